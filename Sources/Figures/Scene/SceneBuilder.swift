/// Collects a layout's nodes, and sets its text.
struct SceneBuilder {
  /// Where a line of text lies against its x.
  enum Alignment {
    case leading
    case center
    case trailing
  }

  /// How text looks.
  struct TextStyle {
    var size: Double
    var isBold = false
    /// `nil` for the theme's ink.
    var color: Color?
  }

  let typesetter: Typesetter
  let theme: Theme
  /// Whether what is drawn is a panel of a sheet of several, which shows the prompt once.
  let isPart: Bool
  private(set) var nodes: [Scene.Node] = []

  init(typesetter: Typesetter, theme: Theme, isPart: Bool) {
    self.typesetter = typesetter
    self.theme = theme
    self.isPart = isPart
  }

  /// The page of what was added, `bottom` high and a margin more.
  func scene(
    width: Double, bottom: Double, metadata: Scene.Metadata, caption: String
  ) -> Scene {
    Scene(
      width: width, height: (bottom + Metrics.margin).rounded(.up), nodes: nodes,
      paper: theme.paper, typeface: typesetter.typeface, metadata: metadata, caption: caption,
      warnings: typesetter.warnings)
  }

  /// An outline of a panel, an axis or a table.
  func rule(_ width: Double, dash: [Double] = []) -> Scene.Stroke {
    Scene.Stroke(theme.rule, width: width, dash: dash)
  }

  /// Secondary words.
  func secondary(_ size: Double) -> TextStyle { TextStyle(size: size, color: theme.secondary) }

  mutating func add(_ node: Scene.Node) { nodes.append(node) }

  /// Puts what `body` adds into a group of that name.
  mutating func group<Result>(
    _ name: String, _ body: (inout SceneBuilder) throws -> Result
  ) rethrows -> Result {
    let outer = nodes
    nodes = []
    let result = try body(&self)
    nodes = outer + [.group(name, nodes)]
    return result
  }

  mutating func rectangle(
    _ rect: Scene.Rect, fill: Color? = nil, stroke: Scene.Stroke? = nil
  ) {
    add(.rectangle(rect, fill: fill, stroke: stroke))
  }

  mutating func line(_ points: [Scene.Point], _ stroke: Scene.Stroke) {
    add(.path(points, closed: false, fill: nil, stroke: stroke))
  }

  /// Sets one line whose baseline is at `y`, cut with an ellipsis at `width`.
  /// - Returns: What it takes on the page.
  @discardableResult
  mutating func text(
    _ string: String, x: Double, y: Double, _ style: TextStyle,
    _ alignment: Alignment = .leading, width: Double? = nil
  ) -> Scene.Rect {
    let string = fit(string, style, width: width)
    let extent = typesetter.extent(string, size: style.size, isBold: style.isBold)
    let left = x - extent.width * shift(alignment)
    let box = Scene.Rect(
      x: left, y: y - extent.ascent, width: extent.width, height: extent.ascent + extent.descent)
    add(string, style, at: Scene.Point(left, y), isVertical: false, box)
    return box
  }

  /// Sets words in lines of at most `width`, from `y` down.
  /// - Parameters:
  ///   - baseline: how far below its top a line's baseline lies.
  ///   - pitch: from one line's top to the next one's.
  ///   - limit: the most lines; what finds no room is cut with an ellipsis.
  /// - Returns: The bottom of the last line.
  mutating func paragraph(
    _ words: String, x: Double, y: Double, width: Double, _ style: TextStyle, baseline: Double,
    pitch: Double, atMost limit: Int
  ) -> Double {
    let lines = typesetter.wrap(
      typesetter.drawable(words), width: width, size: style.size, isBold: style.isBold,
      atMost: limit)
    for (index, line) in lines.enumerated() {
      text(line, x: x, y: y + Double(index) * pitch + baseline, style)
    }
    return y + Double(lines.count) * pitch
  }

  /// Sets one line that runs upwards, its baseline at `x` and centred on `y`.
  mutating func verticalText(
    _ string: String, x: Double, y: Double, _ style: TextStyle, height: Double
  ) {
    let string = fit(string, style, width: height)
    let extent = typesetter.extent(string, size: style.size, isBold: style.isBold)
    let box = Scene.Rect(
      x: x - extent.ascent, y: y - extent.width / 2, width: extent.ascent + extent.descent,
      height: extent.width)
    add(string, style, at: Scene.Point(x, box.maxY), isVertical: true, box)
  }

  /// The largest of the sizes at which a line is at most `width` wide; `nil` if it never is.
  func size(of string: String, from sizes: [Double], width: Double) -> Double? {
    sizes.first { self.width(of: string, TextStyle(size: $0)) <= width }
  }

  /// The width of a line.
  func width(of string: String, _ style: TextStyle) -> Double {
    typesetter.extent(typesetter.drawable(string), size: style.size, isBold: style.isBold).width
  }

  private func fit(_ string: String, _ style: TextStyle, width: Double?) -> String {
    let string = typesetter.drawable(string)
    guard let width else { return string }
    return typesetter.fit(string, width: width, size: style.size, isBold: style.isBold)
  }

  private func shift(_ alignment: Alignment) -> Double {
    switch alignment {
    case .leading: 0
    case .center: 0.5
    case .trailing: 1
    }
  }

  private mutating func add(
    _ string: String, _ style: TextStyle, at origin: Scene.Point, isVertical: Bool,
    _ box: Scene.Rect
  ) {
    if string.isEmpty { return }
    add(
      .text(
        Scene.Text(
          string: string, origin: origin, size: style.size, isBold: style.isBold,
          color: style.color ?? theme.ink, isVertical: isVertical, box: box)))
  }
}
