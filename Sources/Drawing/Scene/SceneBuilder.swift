/// Collects a layout's nodes, and sets its text.
package struct SceneBuilder {
  /// Where a line of text lies against its x.
  package enum Alignment {
    case leading
    case center
    case trailing

    /// The point of the line that lies at x.
    package var anchor: Scene.Anchor {
      switch self {
      case .leading: .start
      case .center: .middle
      case .trailing: .end
      }
    }
  }

  /// How text looks.
  package struct TextStyle {
    package var size: Double
    package var isBold = false
    /// `nil` for the theme's ink.
    package var color: Color?

    package init(size: Double, isBold: Bool = false, color: Color? = nil) {
      self.size = size
      self.isBold = isBold
      self.color = color
    }
  }

  package let typesetter: Typesetter
  package let theme: Theme
  /// Which words a figure prints besides its labels.
  package let words: PrintedWords
  private(set) var nodes: [Scene.Node] = []
  /// What the user is to be told beside the page; parts of a page share it.
  private let told = Told()

  private final class Told {
    var warnings: [String] = []
  }

  package init(typesetter: Typesetter, theme: Theme, words: PrintedWords = PrintedWords()) {
    self.typesetter = typesetter
    self.theme = theme
    self.words = words
  }

  /// The page of what was added, `bottom` high and a margin more.
  package func scene(
    width: Double, bottom: Double, metadata: Scene.Metadata, caption: FigureCaption
  ) -> Scene {
    Scene(
      width: width, height: (bottom + Metrics.margin).rounded(.up), nodes: nodes,
      paper: theme.paper, typeface: typesetter.typeface, metadata: metadata, caption: caption.full,
      unprintedCaption: caption.unprinted(words), warnings: told.warnings + typesetter.warnings)
  }

  /// Tells the user something of the figure, once.
  package func warn(_ text: String) {
    if !told.warnings.contains(text) { told.warnings.append(text) }
  }

  /// What `body` draws from the top of an empty page, and the bottom that it returns, to be placed later.
  package func part(_ body: (inout SceneBuilder) throws -> Double) rethrows -> PagePart {
    var builder = self
    builder.nodes = []
    let bottom = try body(&builder)
    return PagePart(nodes: builder.nodes, height: bottom)
  }

  /// Adds a part, moved to `x` and down to `y`, and returns its bottom.
  @discardableResult
  package mutating func place(_ part: PagePart, x: Double = 0, y: Double) -> Double {
    nodes += part.nodes.map { $0.scaled(by: 1, dx: x, dy: y) }
    return y + part.height
  }

  /// An outline of a panel, an axis or a table.
  package func rule(_ width: Double, dash: [Double] = []) -> Scene.Stroke {
    Scene.Stroke(theme.rule, width: width, dash: dash)
  }

  /// Secondary words.
  package func secondary(_ size: Double) -> TextStyle {
    TextStyle(size: size, color: theme.secondary)
  }

  package mutating func add(_ node: Scene.Node) { nodes.append(node) }

  /// Puts what `body` adds into a group of that name.
  package mutating func group<Result>(
    _ name: String, _ body: (inout SceneBuilder) throws -> Result
  ) rethrows -> Result {
    let outer = nodes
    nodes = []
    let result = try body(&self)
    nodes = outer + [.group(name, nodes)]
    return result
  }

  package mutating func rectangle(
    _ rect: Scene.Rect, fill: Color? = nil, stroke: Scene.Stroke? = nil
  ) {
    add(.rectangle(rect, fill: fill, stroke: stroke))
  }

  package mutating func line(_ points: [Scene.Point], _ stroke: Scene.Stroke) {
    add(.path(points, closed: false, fill: nil, stroke: stroke))
  }

  /// Sets one line whose baseline is at `y`.
  /// - Returns: What it takes on the page.
  @discardableResult
  package mutating func text(
    _ string: String, x: Double, y: Double, _ style: TextStyle, _ alignment: Alignment = .leading
  ) -> Scene.Rect {
    let string = typesetter.drawable(string)
    let extent = typesetter.extent(string, size: style.size, isBold: style.isBold)
    let left = x - extent.width * alignment.anchor.fraction
    let box = Scene.Rect(
      x: left, y: y - extent.ascent, width: extent.width, height: extent.ascent + extent.descent)
    add(string, style, at: Scene.Point(left, y), isVertical: false, alignment.anchor, box)
    return box
  }

  /// Words in lines of at most `width`, all of them.
  package func lines(_ words: String, width: Double, _ style: TextStyle) -> [String] {
    typesetter.lines(
      typesetter.drawable(words), width: width, size: style.size, isBold: style.isBold)
  }

  /// The width of the widest part of `words` that a line should not break.
  package func unbreakableWidth(of words: String, _ style: TextStyle) -> Double {
    Typesetter.pieces(typesetter.drawable(words)).map { width(of: $0, style) }.max() ?? 0
  }

  /// Sets words in as many lines of at most `width` as they take, from `y` down.
  /// - Parameters:
  ///   - x: where the lines begin, have their middle, or end.
  ///   - baseline: how far below its top a line's baseline lies.
  ///   - pitch: from one line's top to the next one's.
  /// - Returns: The bottom of the last line.
  @discardableResult
  package mutating func paragraph(
    _ words: String, x: Double, y: Double, width: Double, _ style: TextStyle, baseline: Double,
    pitch: Double, _ alignment: Alignment = .leading
  ) -> Double {
    let lines = lines(words, width: width, style)
    for (index, line) in lines.enumerated() {
      text(line, x: x, y: y + Double(index) * pitch + baseline, style, alignment)
    }
    return y + Double(lines.count) * pitch
  }

  /// Sets words in lines that run upwards, the first at the left, each at most `height` long.
  /// - Parameters:
  ///   - x: the left edge of the first line.
  ///   - y: where lines begin, have their middle, or end.
  /// - Returns: The right edge of the last line.
  @discardableResult
  package mutating func verticalParagraph(
    _ words: String, x: Double, y: Double, height: Double, _ style: TextStyle,
    _ alignment: Alignment = .center
  ) -> Double {
    var left = x
    for line in lines(words, width: height, style) {
      let extent = typesetter.extent(line, size: style.size, isBold: style.isBold)
      let box = Scene.Rect(
        x: left, y: y - extent.width * (1 - alignment.anchor.fraction),
        width: extent.ascent + extent.descent,
        height: extent.width)
      let origin = Scene.Point(left + extent.ascent, box.maxY)
      add(line, style, at: origin, isVertical: true, alignment.anchor, box)
      left = box.maxX
    }
    return left
  }

  /// The width that ``verticalParagraph(_:x:y:height:_:)`` takes.
  package func verticalWidth(_ words: String, height: Double, _ style: TextStyle) -> Double {
    lines(words, width: height, style).reduce(0) { width, line in
      let extent = typesetter.extent(line, size: style.size, isBold: style.isBold)
      return width + extent.ascent + extent.descent
    }
  }

  /// The largest of the sizes at which a line is at most `width` wide; `nil` if it never is.
  package func size(of string: String, from sizes: [Double], width: Double) -> Double? {
    sizes.first { self.width(of: string, TextStyle(size: $0)) <= width }
  }

  /// The width of a line.
  package func width(of string: String, _ style: TextStyle) -> Double {
    typesetter.extent(typesetter.drawable(string), size: style.size, isBold: style.isBold).width
  }

  private mutating func add(
    _ string: String, _ style: TextStyle, at origin: Scene.Point, isVertical: Bool,
    _ anchor: Scene.Anchor, _ box: Scene.Rect
  ) {
    if string.isEmpty { return }
    add(
      .text(
        Scene.Text(
          string: string, origin: origin, size: style.size, isBold: style.isBold,
          color: style.color ?? theme.ink, isVertical: isVertical, anchor: anchor, box: box)))
  }
}
