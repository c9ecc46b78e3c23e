internal import Drawing

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
  /// From one line of a name to the next.
  private static let linePitch = 7.4

  var entries: [Entry]

  /// Draws the entries from left to right within `width`, from `y` down.
  /// - Returns: The bottom of the last line.
  func draw(x: Double, y: Double, width: Double, _ builder: inout SceneBuilder) -> Double {
    var (left, top, height) = (x, y, 0.0)
    let room = width - Self.sampleWidth - 3
    for entry in entries {
      let lines = builder.lines(entry.name, width: room, Self.style)
      let widest = lines.map { builder.width(of: $0, Self.style) }.max() ?? 0
      let needed = Self.sampleWidth + 3 + widest
      if left > x && left + needed > x + width {
        left = x
        top += height
        height = 0
      }
      entry.sample(Scene.Point(left, top + Self.pitch / 2), &builder)
      for (index, line) in lines.enumerated() {
        builder.text(
          line, x: left + Self.sampleWidth + 3,
          y: top + Self.pitch / 2 + 2.3 + Double(index) * Self.linePitch, Self.style)
      }
      height = max(height, Self.pitch + Double(lines.count - 1) * Self.linePitch)
      left += needed + 9
    }
    return top + height
  }

  static func line(_ style: CurveStyle, _ name: String) -> Entry {
    Entry(name: name) { place, builder in
      builder.line(
        [place, Scene.Point(place.x + sampleWidth, place.y)],
        style.stroke(width: CurveChart.lineWidth))
      builder.add(
        style.node(at: Scene.Point(place.x + sampleWidth / 2, place.y), on: builder.theme))
    }
  }

  /// A method in ink, where words have the colours: by its dash, and by the fill of its markers.
  /// - Parameter marker: that of no word in particular; `nil` for the method's own.
  static func method(
    _ style: CurveStyle, _ title: String, marker: Marker? = nil, on theme: Theme
  ) -> Entry {
    var style = style
    style.color = theme.ink
    style.marker = marker ?? style.marker
    return line(style, "\(title): \(style.isFilled ? "filled" : "open") markers")
  }

  /// What a colour means.
  static func color(_ color: Color, _ name: String) -> Entry {
    Entry(name: name) { place, builder in
      builder.rectangle(
        Scene.Rect(x: place.x + 2, y: place.y - 2, width: sampleWidth - 4, height: 4), fill: color)
    }
  }

  /// A frame around the map of a subject that is missing.
  static func ring(_ name: String) -> Entry {
    Entry(name: name) { place, builder in
      builder.rectangle(
        Scene.Rect(x: place.x + sampleWidth / 2 - 3.5, y: place.y - 3.5, width: 7, height: 7),
        stroke: MapPanel.ring(on: builder.theme))
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
