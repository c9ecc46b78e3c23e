internal import AttentionTrace
internal import TensorEngine

/// A layer's maps in a file that another program saved: where the numbers of each step stand.
struct ImportedLayer: Sendable {
  /// How far an axis goes, and how many elements lie between its places.
  struct Extent: Hashable, Sendable {
    var count = 1
    var stride = 0
  }

  /// The layer's name, which is that of its array in the run.
  var name: String
  /// Where the numbers are.
  var array: StoredArray
  /// The first element.
  private let offset: Int
  private let step: Extent
  private let head: Extent
  private let frame: Extent?
  private let row: Extent
  private let column: Extent
  private let token: Extent

  /// A layer of an array.
  /// - Parameters:
  ///   - offset: the first element of the layer.
  ///   - extents: of the array's axes.
  ///   - grid: of the cells, where rows and columns are one axis.
  init(
    name: String, array: StoredArray, offset: Int, extents: [MapAxis: Extent], grid: Grid?
  ) {
    (self.name, self.array, self.offset) = (name, array, offset)
    func extent(_ axis: MapAxis) -> Extent { extents[axis] ?? Extent() }
    (step, head, token) = (extent(.step), extent(.head), extent(.token))
    frame = extents[.frame]
    if let pixel = extents[.pixel], let grid {
      row = Extent(count: grid.rows, stride: grid.columns * pixel.stride)
      column = Extent(count: grid.columns, stride: pixel.stride)
    } else {
      (row, column) = (extent(.row), extent(.column))
    }
  }

  var steps: Int { step.count }
  var frames: Int? { frame?.count }
  var tokens: Int { token.count }
  var grid: Grid { Grid(rows: row.count, columns: column.count) }
  var isHalf: Bool { array.isHalf }

  /// The layer as a model has it.
  var site: AttentionSite {
    AttentionSite(
      path: name, kind: .cross, heads: head.count, grid: grid, keys: tokens, frames: frames)
  }

  /// Of the axes of one step's maps.
  var extents: [Extent] { [head] + (frame.map { [$0] } ?? []) + [row, column, token] }

  /// The maps of a step, `[head, row, column, token]`, or `[head, frame, row, column, token]` where there
  /// are frames.
  func maps(step place: Int) -> [Float] {
    array.values(
      from: offset + place * step.stride, extents: extents.map(\.count),
      strides: extents.map(\.stride))
  }

  /// Where an element of ``maps(step:)`` stands, in words, as in `head 0, row 3, column 7, token 2`.
  func place(of element: Int) -> String {
    let names = ["head"] + (frame == nil ? [] : ["frame"]) + ["row", "column", "token"]
    var rest = element
    var words: [String] = []
    for (name, extent) in zip(names, extents).reversed() {
      words.insert("\(name) \(rest % extent.count)", at: 0)
      rest /= extent.count
    }
    return words.joined(separator: ", ")
  }
}
