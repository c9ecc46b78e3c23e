/// What the marks in the charts mean: samples with their names, in as many lines as it takes.
struct Legend {
  /// A sample and its name.
  struct Entry {
    var name: String
    /// Draws the sample, ``Legend/sampleWidth`` wide around the centre of its left edge.
    var sample: (Scene.Point, inout SceneBuilder) -> Void
  }

  static let sampleWidth = 15.0
  private static let style = SceneBuilder.TextStyle(size: 6.5)
  private static let pitch = 9.5

  var entries: [Entry]

  /// Draws the entries from left to right within `width`, from `y` down.
  /// - Returns: The bottom of the last line.
  func draw(x: Double, y: Double, width: Double, _ builder: inout SceneBuilder) -> Double {
    var (left, top) = (x, y)
    for entry in entries {
      let room = width - Self.sampleWidth - 3
      let needed =
        Self.sampleWidth + 3 + min(room, builder.width(of: entry.name, Self.style))
      if left > x && left + needed > x + width {
        left = x
        top += Self.pitch
      }
      entry.sample(Scene.Point(left, top + Self.pitch / 2), &builder)
      builder.text(
        entry.name, x: left + Self.sampleWidth + 3, y: top + Self.pitch / 2 + 2.3, Self.style,
        width: room)
      left += needed + 9
    }
    return entries.isEmpty ? y : top + Self.pitch
  }

  /// - Parameter color: `nil` for the theme's ink.
  static func line(_ line: MethodLine, _ color: Color?, _ marker: Marker?, _ name: String) -> Entry
  {
    Entry(name: name) { place, builder in
      let color = color ?? builder.theme.ink
      builder.line(
        [place, Scene.Point(place.x + sampleWidth, place.y)], line.stroke(color))
      if let marker {
        builder.add(
          line.node(
            marker, at: Scene.Point(place.x + sampleWidth / 2, place.y), color: color,
            on: builder.theme))
      }
    }
  }

  static func target(_ name: String) -> Entry {
    Entry(name: name) { place, builder in
      let middle = place.x + sampleWidth / 2
      builder.line(
        [Scene.Point(middle, place.y - 4), Scene.Point(middle, place.y + 4)],
        builder.rule(0.3))
      builder.line(
        [Scene.Point(middle - 4, place.y), Scene.Point(middle + 4, place.y)],
        Scene.Stroke(builder.theme.ink, width: 1.5))
    }
  }

  static func tries(_ name: String) -> Entry {
    Entry(name: name) { place, builder in
      for (index, rise) in [1.2, 0, -1.2].enumerated() {
        let center = Scene.Point(place.x + Double(index + 1) * sampleWidth / 4, place.y - rise)
        builder.add(
          Marker.circle.node(at: center, radius: 0.6, fill: builder.theme.ink, stroke: nil))
      }
    }
  }

  static func shade(_ name: String) -> Entry {
    Entry(name: name) { place, builder in
      builder.rectangle(
        Scene.Rect(x: place.x, y: place.y - 3.5, width: sampleWidth, height: 7),
        fill: builder.theme.shade)
      builder.line(
        [Scene.Point(place.x, place.y - 3.5), Scene.Point(place.x, place.y + 3.5)],
        builder.rule(0.6, dash: [3, 1, 0.8, 1]))
    }
  }

  static func word(_ word: String, _ name: String) -> Entry {
    Entry(name: name) { place, builder in
      builder.text(
        word, x: place.x + sampleWidth / 2, y: place.y + 2.2, .init(size: 6), .center)
    }
  }

  static func hatch(_ name: String) -> Entry {
    Entry(name: name) { place, builder in
      let cell = Scene.Rect(
        x: place.x + sampleWidth / 2 - 3, y: place.y - 3, width: 6, height: 6)
      MapPanel.hatch(cell, &builder)
      builder.rectangle(cell, stroke: builder.rule(0.4))
    }
  }
}
