public import Pictures
internal import TensorEngine

/// A figure as shapes and words in points, 1/72 inch, before any back end draws it.
///
/// Layouts make scenes and back ends draw them; neither knows the other. The origin is the page's
/// top left corner and y grows downwards. Nodes are drawn in order.
public struct Scene: Sendable {
  /// A place on the page.
  public struct Point: Hashable, Sendable {
    /// Points from the left edge.
    public var x: Double
    /// Points from the top edge.
    public var y: Double

    /// Makes a place of its distances from the left and top edges.
    public init(_ x: Double, _ y: Double) {
      self.x = x
      self.y = y
    }
  }

  /// An upright rectangle.
  public struct Rect: Hashable, Sendable {
    /// The left edge.
    public var x: Double
    /// The top edge.
    public var y: Double
    /// From left to right.
    public var width: Double
    /// From top to bottom.
    public var height: Double

    /// Makes a rectangle of its top left corner and its size.
    public init(x: Double, y: Double, width: Double, height: Double) {
      self.x = x
      self.y = y
      self.width = width
      self.height = height
    }

    /// The right edge.
    public var maxX: Double { x + width }
    /// The bottom edge.
    public var maxY: Double { y + height }
  }

  /// How a line is drawn.
  public struct Stroke: Hashable, Sendable {
    /// The line's colour.
    public var color: Color
    /// The line's width.
    public var width: Double
    /// Lengths of dashes and gaps in turn; empty for a solid line.
    public var dash: [Double]

    /// A line; solid unless `dash` is given.
    public init(_ color: Color, width: Double, dash: [Double] = []) {
      self.color = color
      self.width = width
      self.dash = dash
    }
  }

  /// Squares on a grid, each centred in its cell.
  public struct Cells: Hashable, Sendable {
    /// The whole grid.
    public var frame: Rect
    /// Cells from top to bottom.
    public var rows: Int
    /// Cells from left to right.
    public var columns: Int
    /// `[row, column]` the colour of a cell; `nil` for one that is left out.
    public var colors: [Color?]
    /// `[row, column]` the part of the cell's sides that its square takes, 0…1.
    public var sides: [Double]

    package init(frame: Rect, rows: Int, columns: Int, colors: [Color?], sides: [Double]) {
      self.frame = frame
      self.rows = rows
      self.columns = columns
      self.colors = colors
      self.sides = sides
    }

    /// The square drawn in the cell at `index`.
    public func square(at index: Int) -> Rect {
      let (width, height) = (frame.width / Double(columns), frame.height / Double(rows))
      let margin = (1 - sides[index]) / 2
      return Rect(
        x: frame.x + (Double(index % columns) + margin) * width,
        y: frame.y + (Double(index / columns) + margin) * height,
        width: width * sides[index], height: height * sides[index])
    }
  }

  /// A point of a line's baseline.
  public enum Anchor: Sendable {
    /// Where the line starts.
    case start
    /// Half-way.
    case middle
    /// Where the line ends.
    case end

    /// How far along the line the point is, 0…1.
    package var fraction: Double {
      switch self {
      case .start: 0
      case .middle: 0.5
      case .end: 1
      }
    }
  }

  /// One line of words, set and measured.
  public struct Text: Hashable, Sendable {
    /// The words, without line breaks.
    public var string: String
    /// Where the baseline starts.
    public var origin: Point
    /// Size of the type.
    public var size: Double
    /// Whether the type is bold.
    public var isBold: Bool
    /// The type's colour.
    public var color: Color
    /// Whether the line runs upwards instead of to the right.
    public var isVertical: Bool
    /// Which point of the baseline stays where it is in a program that sets the words in another font.
    public var anchor: Anchor
    /// The area of the line on the page, from the font's ascent to its descent.
    public var box: Rect
  }

  /// A part of the figure.
  public indirect enum Node: Sendable {
    /// Parts that belong together, under a name that says what they are.
    case group(String, [Node])
    /// A rectangle, filled, outlined or both.
    case rectangle(Rect, fill: Color?, stroke: Stroke?)
    /// Straight lines from point to point.
    case path([Point], closed: Bool, fill: Color?, stroke: Stroke?)
    /// A picture stretched over a rectangle; enlarged pixels stay squares.
    case image(Picture, Rect)
    /// A grid of coloured squares.
    case cells(Cells)
    /// Colours that pass into each other from left to right, at least one.
    case gradient([Color], Rect)
    /// A line of words.
    case text(Text)
  }

  /// The metadata of a figure's file.
  public struct Metadata: Hashable, Sendable {
    /// The figure's title.
    public var title: String
    /// When its run was made, ISO 8601 in UTC: `2026-11-24T10:30:00Z`.
    public var date: String
    /// What made it, with the version.
    public var software: String
    /// The manifest of what it was made from, as JSON; empty to omit it.
    public var manifest: String

    /// The metadata of a file.
    public init(title: String, date: String, software: String, manifest: String) {
      self.title = title
      self.date = date
      self.software = software
      self.manifest = manifest
    }

    /// The namespace of XML in which a file holds the manifest.
    static let namespace = "urn:heed:figure:"
    /// What the figure is about, for catalogues.
    package static let keywords = [
      "text-to-image diffusion", "cross-attention", "explainability",
    ]
    /// The date, which a PDF must have, of what has none, or none to be told: the first day of 2000.
    package static let unknownDate = "2000-01-01T00:00:00Z"
    /// Metadata that tell nothing, for double-blind review.
    package static let anonymous = Metadata(
      title: "", date: unknownDate, software: "", manifest: "")
  }

  /// The page's width in points.
  public let width: Double
  /// The page's height in points.
  public package(set) var height: Double
  /// What is on the page, in drawing order.
  public let nodes: [Node]
  /// The background.
  public let paper: Color
  /// The typeface of its text.
  public let typeface: Typeface
  /// The metadata of the figure's file.
  public let metadata: Metadata
  /// The caption for a paper, with the figure's own numbers.
  public package(set) var caption: String
  /// What of the caption the figure does not print itself, for a paper that shows both.
  public package(set) var unprintedCaption: String
  /// Which of the figure's pages it is, from 1.
  public package(set) var page = 1
  /// How many pages the figure has.
  public package(set) var pages = 1
  /// What the reader of the figure should know, a line each, such as characters without a glyph.
  public package(set) var warnings: [String]

  /// A page of `nodes`.
  public init(
    width: Double, height: Double, nodes: [Node], paper: Color = .white,
    typeface: Typeface = .sans, metadata: Metadata, caption: String = "",
    unprintedCaption: String? = nil, warnings: [String] = []
  ) {
    self.width = width
    self.height = height
    self.nodes = nodes
    self.paper = paper
    self.typeface = typeface
    self.metadata = metadata
    self.caption = caption
    self.unprintedCaption = unprintedCaption ?? caption
    self.warnings = warnings
  }

  /// The same figure in a file that tells nothing of its run, for double-blind review.
  public var anonymous: Scene {
    replacing(nodes, metadata: .anonymous)
  }

  /// The figure with other nodes, on a page of another size or with other metadata.
  package func replacing(
    _ nodes: [Node], width: Double? = nil, height: Double? = nil, metadata: Metadata? = nil
  ) -> Scene {
    var scene = Scene(
      width: width ?? self.width, height: height ?? self.height, nodes: nodes, paper: paper,
      typeface: typeface, metadata: metadata ?? self.metadata, caption: caption,
      unprintedCaption: unprintedCaption, warnings: warnings)
    (scene.page, scene.pages) = (page, pages)
    return scene
  }

  /// What a screen reader calls the figure: its title, or what any figure of Heed is.
  package var name: String { metadata.title.isEmpty ? "Figure of cross-attention" : metadata.title }

  /// What is in the figure, for who cannot see it: its caption; empty in an anonymous file.
  package var description: String {
    metadata == .anonymous ? "" : PlainText.lines(caption)
  }

  /// Calls `body` for every node, groups before their members, with the names of its groups.
  package func visit(_ body: (_ path: [String], Node) throws -> Void) rethrows {
    func visit(_ nodes: [Node], _ path: [String]) throws {
      for node in nodes {
        try body(path, node)
        if case .group(let name, let members) = node { try visit(members, path + [name]) }
      }
    }
    try visit(nodes, [])
  }
}
