import AttentionAnalysis
import Drawing
import Figures
import Foundation
import Testing

@Suite("A figure fits its page")
struct PageFitTests {
  /// A layout with so many seeds and words, for a page.
  struct Case: CustomTestStringConvertible {
    let layout: SampleLayout
    let venue: Venue
    let isFull: Bool

    static let seeds = [1, 2, 8, 16]
    static let words = [1, 2, 3, 4]
    static let sizes = [
      SampleLayout.names.count, Venue.allCases.count, 2, seeds.count, words.count, 2,
    ]

    init(_ row: [Int]) {
      layout = SampleLayout(
        name: SampleLayout.names[row[0]], seeds: Self.seeds[row[3]], words: Self.words[row[4]],
        isLong: row[5] == 1)
      venue = Venue.allCases[row[1]]
      isFull = row[2] == 1
    }

    var style: SheetStyle { SheetStyle(for: venue, width: isFull ? venue.full : venue.column) }

    var testDescription: String {
      "\(layout.name) for \(venue.rawValue), \(isFull ? "full" : "column"), \(layout.seeds) seeds, "
        + "\(layout.words) \(layout.isLong ? "long " : "")words"
    }
  }

  static let pairs = CoveringArray(Case.sizes).rows.map(Case.init)

  @Test("Every two values of two factors are drawn together")
  func covering() {
    for one in Case.sizes.indices {
      for other in Case.sizes.indices where other > one {
        let rows = CoveringArray(Case.sizes).rows
        let found = Set(rows.map { [$0[one], $0[other]] })
        #expect(found.count == Case.sizes[one] * Case.sizes[other])
      }
    }
  }

  @Test(
    "Every page is within the venue's, nothing is cut, overlaps or leaves its width blank",
    arguments: pairs)
  func fits(_ one: Case) throws { try check(one) }

  /// The layouts that HEED_EVERY_FIGURE names, as in `seeds,methods`; all for `all`.
  private static let asked: [Int] = {
    guard let text = ProcessInfo.processInfo.environment["HEED_EVERY_FIGURE"] else { return [] }
    let names = text.split(separator: ",").map(String.init)
    return SampleLayout.names.indices.filter {
      text == "all" || names.contains(SampleLayout.names[$0])
    }
  }()

  @Test(
    "The same for every combination", .enabled(if: !asked.isEmpty),
    arguments: asked.isEmpty ? [0] : asked)
  func everyCombination(layout: Int) throws {
    for row in CoveringArray.product(Array(Case.sizes.dropFirst())) {
      let one = Case([layout] + row)
      do { try check(one) } catch { Issue.record("\(one.testDescription): \(error)") }
    }
  }

  @Test("Without a venue a figure is one page of its own height", arguments: SampleLayout.names)
  func onePage(name: String) throws {
    for (seeds, words, width) in [(1, 1, 495.0), (8, 2, 495), (16, 4, 495), (2, 3, 236.25)] {
      let layout = SampleLayout(name: name, seeds: seeds, words: words)
      let pages = try layout.sheet.pages(SheetStyle(width: width))
      #expect(pages.count == 1)
      check(pages[0], layout, "\(name), \(seeds) seeds, \(words) words, \(width)")
    }
  }

  private func check(_ one: Case) throws {
    let pages = try one.layout.sheet.pages(one.style)
    for (index, page) in pages.enumerated() {
      let place = "\(one.testDescription), page \(index + 1) of \(pages.count)"
      #expect(page.width == one.style.width)
      #expect(page.height <= one.venue.figureHeight, "\(place): \(page.height) high")
      #expect(page.texts.allSatisfy { $0.size >= one.venue.typeSize - 1e-9 }, "\(place)")
      #expect((page.page, page.pages) == (index + 1, pages.count))
      check(page, one.layout, place)
    }
  }

  private func check(_ page: Scene, _ layout: SampleLayout, _ place: String) {
    let texts = page.texts.sorted { $0.box.y < $1.box.y }
    for (index, text) in texts.enumerated() {
      let box = text.box
      #expect(
        box.x >= -1e-6 && box.y >= -1e-6 && box.maxX <= page.width + 1e-6
          && box.maxY <= page.height + 1e-6, "\(place): “\(text.string)” leaves the page")
      for other in texts[(index + 1)...] {
        if other.box.y >= box.maxY { break }
        if box.overlaps(other.box) {
          Issue.record("\(place): “\(text.string)” and “\(other.string)” overlap")
        }
      }
      #expect(!text.string.contains("…"), "\(place): “\(text.string)” is cut")
    }
    let panels = page.panels
    for panel in panels {
      for text in texts where text.box.overlaps(panel.frame) {
        Issue.record("\(place): “\(text.string)” lies on \(panel.path)")
      }
    }
    // A word may be wrapped: its lines follow each other.
    let printed = page.texts.map(\.string).joined().filter { $0 != " " }
    for word in layout.subjects { #expect(printed.contains(word), "\(place): no “\(word)”") }
    #expect(page.blankShare < 0.15, "\(place): \(page.blankShare) of the width is blank")
  }

  @Test("Five steps in a column stay in one row", arguments: Venue.allCases)
  func fiveSteps(venue: Venue) throws {
    for seeds in [1, 2] {
      let layout = SampleLayout(name: "steps", seeds: seeds, words: 2)
      let page = try layout.sheet.pages(SheetStyle(for: venue, width: venue.column))[0]
      let tops = page.texts.filter { $0.string == "step" || $0.string.hasPrefix("step ") }
        .map(\.origin.y)
      #expect(tops.count == 5 && Set(tops).count == 1, "\(venue): \(tops)")
    }
  }

  @Test("Rows of one layer bear its name once, beside all of their heads")
  func nested() throws {
    var headings: [MapSheet.Heading] = []
    for layer in ["down 16×16", "up 16×16"] {
      for head in 0..<4 {
        headings.append(
          .init(
            facets: [.layer, .head], values: [layer, "\(head)"],
            labels: [layer, "head \(head)"]))
      }
    }
    let columns = ["cat", "frog", "bow", "elephant"].map {
      MapSheet.Heading(facets: [.word], values: [$0], labels: [$0], detail: "token 2")
    }
    let sheet = MapSheet(
      prompt: "a cat", rows: headings, columns: columns,
      panels: headings.map { _ in columns.map { _ in .map(Sample.map(1, subject: 1, strength: 1)) }
      },
      pictures: headings.map { _ in columns.map { _ in Sample.image(1) } },
      quantity: "attention", metadata: Sample.metadata)
    let scene = try sheet.scene(SheetStyle(width: 236.25))
    for layer in ["down 16×16", "up 16×16"] {
      let labels = scene.texts.filter { $0.string == layer }
      #expect(labels.count == 1 && labels.allSatisfy(\.isVertical))
    }
    #expect(scene.texts.count { $0.string.hasPrefix("head") } == 8)
  }

  @Test("A matrix of more words than a column holds is refused with a width that does")
  func tooManyColumns() throws {
    let words = (0..<30).map { "word\($0)" }
    let sheet = MatrixSheet(
      prompt: "many", words: words,
      matrices: [
        .init(
          title: "Stable Diffusion", seeds: 1, values: words.flatMap { _ in words.map { _ in 0.5 } }
        )
      ],
      quantity: "overlap", metadata: Sample.metadata)
    let style = SheetStyle(for: .aaai, width: Venue.aaai.column)
    let error = #expect(throws: FigureError.self) { try sheet.pages(style) }
    guard case .tooNarrow(let width, let needed) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(width == Venue.aaai.column && needed > width)
    var wide = style
    wide.width = needed
    #expect(try sheet.pages(wide)[0].blankShare < 0.15)
  }
}

extension Scene {
  /// How much of the width nothing is drawn on beside the panels: pictures, maps and charts, and what
  /// stands beside them.
  var blankShare: Double {
    var content: [Rect] = []
    var all: [Rect] = []
    let framing: Set<String> = ["prompt", "key", "color bar", "legend"]
    visit { path, node in
      let rect: Rect
      switch node {
      case .group: return
      case .rectangle(let frame, _, _): rect = frame
      case .path(let points, _, _, _):
        let (xs, ys) = (points.map(\.x), points.map(\.y))
        guard let left = xs.min(), let right = xs.max(), let top = ys.min(), let bottom = ys.max()
        else { return }
        rect = Rect(x: left, y: top, width: right - left, height: bottom - top)
      case .image(_, let frame), .gradient(_, let frame): rect = frame
      case .cells(let cells): rect = cells.frame
      case .text(let text): rect = text.box
      }
      all.append(rect)
      if framing.isDisjoint(with: path), !path.isEmpty { content.append(rect) }
    }
    // A page that has the key alone.
    if content.isEmpty { content = all }
    guard let top = content.map(\.y).min(), let bottom = content.map(\.maxY).max() else { return 1 }
    let beside = all.filter { $0.y < bottom && $0.maxY > top }
    let inked = (beside.map(\.maxX).max() ?? 0) - (beside.map(\.x).min() ?? 0)
    return 1 - inked / width
  }
}
