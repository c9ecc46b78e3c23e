public import AttentionTrace
public import PromptText
internal import TensorEngine

/// Divide & Bind's objective as its code computes it, which is not what the paper states.
///
/// Li, Keuper, Zhang & Khoreva, Divide & Bind Your Attention, BMVC 2023; where the code differs from
/// the equations that ``DivideAndBind`` follows:
///
/// | here | there |
/// | --- | --- |
/// | `variation` | means, not sums; each row is compared with the **last** row, not with its neighbour |
/// | `colour` | the attribute's map comes from the two finer grids, at every 2nd and 4th cell |
/// | `coverage` | what lies above a share of the noun's largest number after a softmax over pixels |
/// | `bindingWeight` | c_i = 1, 5, 10 for the iterations 0…9, 10…19, 20… |
/// | `loss` | L = max_s −(TV(B̃_s) − c_i JSD(s, colour of s)) |
///
/// Refinement goes on while the smallest TV is below a threshold. From the formulas alone.
public struct DivideAndBindCode: AttentionObjective {
  /// What is measured.
  public let subjects: [Subject]
  /// Objects with their attributes.
  public let groups: [WordGroup]
  /// How maps are read.
  public let reading: MapReading

  /// An objective over `groups`; see the properties.
  public init(subjects: [Subject], groups: [WordGroup], reading: MapReading) {
    self.subjects = subjects
    self.groups = groups
    self.reading = reading
  }

  /// The grids with twice and four times as many rows and columns.
  private var finer: [Grid] {
    [2, 4].map { Grid(rows: $0 * reading.grid.rows, columns: $0 * reading.grid.columns) }
  }

  /// The cross-attentions at the grid and, if a word has an attribute, at the two finer ones.
  /// - Throws: ``DiffusionError`` when there are none, or words cannot be read there.
  public func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
    try WordGroup.requireSome(groups)
    var chosen = try reading.sites(
      among: sites, for: groups.words + subjects, cellByCell: true)
    guard groups.contains(where: { !$0.modifiers.isEmpty }) else { return chosen }
    for grid in finer {
      var reading = reading
      reading.grid = grid
      chosen += try reading.sites(among: sites, for: groups.words)
    }
    return chosen
  }

  /// The loss of one pass; see the table above.
  public func evaluate(_ maps: PassMaps) -> ObjectiveValue {
    let read = reading.read(maps)
    let colours =
      groups.contains { !$0.modifiers.isEmpty }
      ? TokenMaps(average: finerAverage(maps), reading: reading) : read
    var least = Float.infinity
    let losses = groups.map { group in
      let noun = read.smoothed(group.noun)
      let variation = Self.variation(noun)
      least = min(least, variation.item)
      let share: Float = variation.item < 0.1 ? 0.3 : 0.2
      let unlikeness = group.modifiers.map { modifier in
        Self.unlikeness(noun, colours.smoothed(modifier), above: share)
      }
      return Tensor.total(unlikeness).affine(scale: bindingWeight(maps.step)) - variation
    }
    return ObjectiveValue(
      loss: .largest(losses), maxima: read.maxima(of: subjects), shortfall: 1 - least)
  }

  /// c_i.
  private func bindingWeight(_ step: Int) -> Float { step < 10 ? 1 : step < 20 ? 5 : 10 }

  /// The mean of the finer grids' maps at the grid, heads and layers alike, `[pixel, token]`.
  private func finerAverage(_ maps: PassMaps) -> Tensor {
    let grid = reading.grid
    let planes = zip(maps.sites, maps.probabilities).filter {
      $0.0.kind == .cross && finer.contains($0.0.grid)
    }
    .map { site, map in
      map.transposed.reshaped(
        [map.shape[1], map.shape[3], site.grid.rows, site.grid.columns]
      ).upsampledNearest(rows: grid.rows, columns: grid.columns)
    }
    let mean = Tensor.concatenated(planes, axis: 0).meanOverFirstAxis
    return mean.reshaped([mean.shape[0], grid.rows * grid.columns]).transposed
  }

  /// The code's total variation of a map `[row, column]`.
  static func variation(_ map: Tensor) -> Tensor {
    let (rows, columns) = (map.shape[0], map.shape[1])
    let right = map.sliced(axis: 1, 0..<columns - 1) - map.sliced(axis: 1, 1..<columns)
    let last = map.sliced(axis: 0, rows - 1..<rows).reshaped([columns])
    let down = map.sliced(axis: 0, 1..<rows) - last
    return right.magnitude.sum.affine(scale: 1 / Float(right.count))
      + down.magnitude.sum.affine(scale: 1 / Float(down.count))
  }

  /// How unlike a noun's map, both `[row, column]`, a colour's is where they cover the picture.
  private static func unlikeness(_ noun: Tensor, _ colour: Tensor, above share: Float) -> Tensor {
    let scaled = colour.flattened * (noun.maximum / colour.maximum.floored(at: MapDistance.floor))
    let (p, q) = (noun.flattened.softmax(), scaled.softmax())
    let level = p.maximum.affine(scale: share)
    return MapDistance.jensenShannon(coverage(p, above: level), coverage(q, above: level))
  }

  private static func coverage(_ p: Tensor, above level: Tensor) -> Tensor {
    (p - level).rectified.affine(scale: 1, offset: 1e-5)
  }
}
