internal import Drawing
internal import Pictures

/// Where the panels of a map sheet stand: how many columns and rows are in a block, how large they are, and
/// which blocks are on which page.
struct MapSheetGrid {
  /// Rows and columns whose panels stand together.
  struct Block {
    let rows: Range<Int>
    let columns: Range<Int>
  }

  /// Between blocks below each other, and above the key.
  static let bandGap = 5.0
  /// The narrowest panel, in which a value can be printed, where a row has no more than five columns.
  private static let smallestPanel = 18.0
  /// The narrowest one where a row has no more than eight.
  private static let smallPanel = 24.0
  /// The narrowest one of longer rows, which may go on below instead.
  private static let smallestOfBand = 30.0
  /// The least panel of blocks beside each other.
  private static let smallestOfBlocks = 32.0
  /// The widest panel that needs no second block of rows beside it.
  private static let comfortablePanel = 100.0
  /// The widest panel that needs no key beside it.
  private static let largestPanel = 170.0
  /// The narrowest key beside the panels.
  private static let leastKey = 110.0
  /// The share of the width that may be left blank.
  private static let blank = 0.12

  let panel: Double
  /// From one row to the next.
  let rowHeight: Double
  let gutter: RowLabels
  /// The width of a block, names and panels together.
  let blockWidth: Double
  /// The width of a key beside the panels; `nil` for one below them.
  let keyWidth: Double?
  /// `[page][row of blocks]`, the blocks of a row beside each other.
  let pages: [[[Block]]]

  /// The grid of a layout.
  /// - Parameter room: the height of a page above the key.
  /// - Throws: ``FigureError/tooNarrow(width:needed:)``.
  init(layout: MapSheetLayout, room: Double, _ builder: SceneBuilder) throws {
    let search = Search(layout: layout, room: room, builder: builder)
    self = try search.best
  }

  private init(
    panel: Double, rowHeight: Double, gutter: RowLabels, blockWidth: Double, keyWidth: Double?,
    pages: [[[Block]]]
  ) {
    (self.panel, self.rowHeight, self.gutter) = (panel, rowHeight, gutter)
    (self.blockWidth, self.keyWidth, self.pages) = (blockWidth, keyWidth, pages)
  }
}

extension MapSheetGrid {
  /// Tries the numbers of columns in a band and of blocks beside each other.
  fileprivate struct Search {
    let layout: MapSheetLayout
    let room: Double
    let builder: SceneBuilder

    private var rows: Int { layout.sheet.rows.count }
    private var columns: Int { layout.sheet.columns.count }
    private var inner: Double { layout.page.inner }

    /// A panel's height of its width: that of the highest picture.
    private var shape: Double {
      (0..<rows).flatMap { row in
        (0..<columns).map { layout.panelHeight(row, $0, width: 1) }
      }.max() ?? 1
    }

    private var labels: [[String]] {
      let places = layout.shown(layout.sheet.rows)
      return layout.sheet.rows.map { row in places.map { row.labels[$0] } }
    }

    /// The grid on the fewest pages, and of these the one with the fewest blocks beside each other whose
    /// panels are not too large.
    var best: MapSheetGrid {
      get throws {
        guard let first = oneRow ?? banded else {
          let gutter = gutter(panel: MapSheetGrid.smallestPanel, block: inner, chunks: [0..<rows])
          let needed = gutter.width + MapSheetGrid.smallestPanel + 2 * Metrics.margin
          throw FigureError.tooNarrow(width: layout.page.width, needed: needed.rounded(.up))
        }
        guard first.pages[0].joined().allSatisfy({ $0.columns.count == columns }), rows > 1 else {
          return first
        }
        var best = first
        for count in 2...min(rows, 8) {
          guard let grid = grid(blocks: count), grid.panel >= MapSheetGrid.smallestOfBlocks else {
            continue
          }
          let isFewer = grid.pages.count < best.pages.count
          let isSmaller =
            grid.pages.count == best.pages.count && best.panel > MapSheetGrid.comfortablePanel
          if isFewer || isSmaller { best = grid }
        }
        return best
      }
    }

    /// All columns in one row, if they are few enough or wide enough.
    private var oneRow: MapSheetGrid? {
      guard let grid = grid(blocks: 1), grid.panel >= Self.least(for: columns) else { return nil }
      return grid
    }

    /// The narrowest panel of a row of so many columns.
    private static func least(for columns: Int) -> Double {
      columns <= 5
        ? MapSheetGrid.smallestPanel
        : columns <= 8 ? MapSheetGrid.smallPanel : MapSheetGrid.smallestOfBand
    }

    private func gutter(panel: Double, block: Double, chunks: [Range<Int>]) -> RowLabels {
      let pitch = rowHeight(panel: panel)
      return RowLabels(
        labels, chunks: chunks, pitch: pitch, height: pitch - Metrics.rowGap, block: block,
        builder)
    }

    private func rowHeight(panel: Double) -> Double { panel * shape + Metrics.rowPitch }

    /// The rows of each block of each page, if blocks of all columns stand beside each other.
    private func chunks(blocks: Int, most: Int) -> [[Range<Int>]]? {
      let groups = MapSheetLayout.spans(0..<rows) { Array(labels[$0].prefix(1)) }.map(\.count)
      let isGrouped = (labels.first?.count ?? 0) > 1 && Set(groups).count == 1
      // Groups of rows stay together where blocks of whole groups are neither too high nor too few.
      for unit in isGrouped ? [groups[0], 1] : [1] where unit <= most {
        let units = rows / unit
        let perPage = blocks * (most / unit)
        let pages = (units + perPage - 1) / perPage
        guard units / pages >= blocks else { continue }
        var first = 0
        return (0..<pages).map { page in
          let onPage = units * (page + 1) / pages - units * page / pages
          return (0..<blocks).map { block in
            let count = (onPage * (block + 1) / blocks - onPage * block / blocks) * unit
            defer { first += count }
            return first..<(first + count)
          }
        }
      }
      return nil
    }

    /// All columns in blocks beside each other.
    private func grid(blocks: Int) -> MapSheetGrid? {
      let width = (inner - Metrics.blockGap * Double(blocks - 1)) / Double(blocks)
      let gaps = Metrics.panelGap * Double(columns - 1)
      var known: RowLabels?
      // Narrower panels may need wider names beside them, which make the panels narrower.
      for _ in 0..<6 {
        var panel = (width - max(known?.width ?? 0, 20) - gaps) / Double(columns)
        guard panel >= MapSheetGrid.smallestPanel else { return nil }
        let heading =
          layout.headingsHeight(0..<columns, panel: panel, builder) + MapSheetGrid.bandGap
        // Whether the page's height makes panels narrower than the width does.
        let highest = (room - heading - Metrics.rowPitch) / shape
        let isLow = highest < panel
        panel = min(panel, highest)
        guard panel >= MapSheetGrid.smallestPanel else { return nil }
        // The key stands beside panels that would be larger than anyone needs, or leave too much blank.
        if blocks == 1 {
          let gutter = known?.width ?? 0
          let taken = min(panel, MapSheetGrid.largestPanel) * Double(columns) + gaps + gutter
          let left = inner - taken - Metrics.blockGap
          if left >= MapSheetGrid.leastKey {
            panel = min(panel, MapSheetGrid.largestPanel)
          } else if isLow,
            panel * Double(columns) + gaps + gutter < (1 - MapSheetGrid.blank) * inner
          {
            panel =
              (inner - Metrics.blockGap - MapSheetGrid.leastKey - gaps - gutter) / Double(columns)
          }
        }
        let most =
          room.isFinite
          ? max(1, Int((room - heading) / rowHeight(panel: panel)))
          : (rows + blocks - 1) / blocks
        guard let chunks = chunks(blocks: blocks, most: most) else { return nil }
        let labels = gutter(panel: panel, block: width, chunks: Array(chunks.joined()))
        if let known, labels.width <= known.width + 1e-9 {
          let taken = panel * Double(columns) + gaps + known.width
          let left = inner - taken - Metrics.blockGap
          return MapSheetGrid(
            panel: panel, rowHeight: rowHeight(panel: panel),
            gutter: labels.widened(to: known.width), blockWidth: width,
            keyWidth: blocks == 1 && left >= MapSheetGrid.leastKey - 1e-6 ? left : nil,
            pages: chunks.map { [$0.map { Block(rows: $0, columns: 0..<columns) }] })
        }
        known = labels
      }
      return nil
    }

    /// Columns in bands below each other: by default as many in each as keep panels of a good size; where
    /// that leaves a page with a short band alone, the number that leaves the least blank, on the fewest
    /// pages.
    private var banded: MapSheetGrid? {
      guard let usual = bands(of: nil) else { return nil }
      guard blank(usual) > MapSheetGrid.blank else { return usual }
      let others = (1..<columns).compactMap { bands(of: $0) }
      func isBetter(_ one: MapSheetGrid, _ other: MapSheetGrid) -> Bool {
        let (left, right) = (
          max(blank(one), MapSheetGrid.blank), max(blank(other), MapSheetGrid.blank)
        )
        return (left, one.pages.count, -one.panel) < (right, other.pages.count, -other.panel)
      }
      return ([usual] + others).min(by: isBetter)
    }

    /// The largest share of the width that no panel of a page covers.
    private func blank(_ grid: MapSheetGrid) -> Double {
      let widths = grid.pages.map { page in
        let most = page.joined().map(\.columns.count).max() ?? 0
        return grid.gutter.width + Double(most) * (grid.panel + Metrics.panelGap) - Metrics.panelGap
      }
      return 1 - (widths.min() ?? inner) / inner
    }

    /// `count` columns in each band; `nil` for as many as keep panels of a good size.
    private func bands(of count: Int?) -> MapSheetGrid? {
      var known: RowLabels?
      for _ in 0..<6 {
        let width = known?.width ?? 0
        let space = inner - width
        guard space >= MapSheetGrid.smallestPanel else { return nil }
        let most = max(
          1, Int((space + Metrics.panelGap) / (MapSheetGrid.smallestOfBand + Metrics.panelGap)))
        let perBand = count ?? columnsOfBand(most: most)
        let gaps = Metrics.panelGap * Double(perBand - 1)
        let widest = (space - gaps) / Double(perBand)
        guard count == nil || widest >= Self.least(for: perBand) else { return nil }
        let bands = stride(from: 0, to: columns, by: perBand).map {
          $0..<min($0 + perBand, columns)
        }
        let heading =
          (bands.map { layout.headingsHeight($0, panel: min(widest, room), builder) }.max() ?? 0)
          + MapSheetGrid.bandGap
        let panel = min(widest, (room - heading - Metrics.rowPitch) / shape)
        guard panel >= MapSheetGrid.smallestPanel else { return nil }
        let pages = pages(bands: bands, heading: heading, rowHeight: rowHeight(panel: panel))
        let labels = gutter(
          panel: panel, block: inner, chunks: pages.joined().joined().map(\.rows))
        if let known, labels.width <= known.width + 1e-9 {
          return MapSheetGrid(
            panel: panel, rowHeight: rowHeight(panel: panel),
            gutter: labels.widened(to: known.width), blockWidth: inner,
            keyWidth: nil, pages: pages)
        }
        known = labels
      }
      return nil
    }

    /// All bands of as many rows as a page holds, and if it does not hold a row of every band, the bands one
    /// after the other.
    private func pages(
      bands: [Range<Int>], heading: Double, rowHeight: Double
    ) -> [[[Block]]] {
      let most =
        room.isFinite
        ? Int((room / Double(bands.count) - heading) / rowHeight) : rows
      if let chunks = most < 1 ? nil : chunks(blocks: 1, most: most) {
        return chunks.map { page in
          bands.map { [Block(rows: page[0], columns: $0)] }
        }
      }
      let onPage = max(1, Int(room / (heading + rowHeight)))
      let all = (0..<rows).flatMap { row in
        bands.map { [Block(rows: row..<(row + 1), columns: $0)] }
      }
      return stride(from: 0, to: all.count, by: onPage).map {
        Array(all[$0..<min($0 + onPage, all.count)])
      }
    }

    /// How many columns each band has, `most` at most: columns under one outer heading stay together
    /// where that is possible.
    private func columnsOfBand(most: Int) -> Int {
      let places = layout.shown(layout.sheet.columns)
      let groups = layout.spans(0..<columns, of: places.prefix(1)).map(\.count)
      let unit = Set(groups).count == 1 && groups[0] <= most ? groups[0] : 1
      let (units, mostUnits) = (columns / unit, most / unit)
      let bands = (units + mostUnits - 1) / mostUnits
      return (units + bands - 1) / bands * unit
    }
  }
}
