public import AttentionTrace
private import Foundation
public import TensorEngine

/// Attend-and-Excite's objective: every subject is attended to somewhere.
///
/// Chefer, Alaluf, Vinker, Wolf & Cohen-Or, Attend-and-Excite, SIGGRAPH 2023, algorithm 1:
///
/// | here | there |
/// | --- | --- |
/// | `average` | A_t, the mean map over heads and layers at the grid |
/// | `map` | A_t^s after renormalisation, then smoothed by G |
/// | `largest` | max A_t^s |
/// | `loss` | L = max_s L_s, L_s = 1 − max A_t^s |
///
/// - Reference: github.com/yuval-alaluf/Attend-and-Excite `pipeline_attend_and_excite.py`.
public struct Excitation: AttentionObjective {
  /// What the loss is about.
  public let subjects: [Subject]
  /// The grid whose maps are read.
  public let grid: Grid
  /// How the pieces of one word serve its subject.
  public let pieces: PieceRule
  /// Tokens `1..<lastToken` share the renormalisation: the window's last one in SD 1.x, which keeps
  /// the end token and the padding in; the end token in SD 2.x, whose encoder draws attention to it.
  public let lastToken: Int
  /// The smoothing kernel's σ; `nil` leaves the maps as they are.
  public let sigma: Double?
  /// The smoothing kernel's side.
  public let kernelSize: Int

  /// An objective over `subjects`; see the properties.
  public init(
    subjects: [Subject], grid: Grid, pieces: PieceRule, lastToken: Int, sigma: Double?,
    kernelSize: Int
  ) {
    self.subjects = subjects
    self.grid = grid
    self.pieces = pieces
    self.lastToken = lastToken
    self.sigma = sigma
    self.kernelSize = kernelSize
  }

  /// The cross-attentions at the grid.
  ///
  /// - Throws: ``DiffusionError`` when there are none, or the objective cannot be evaluated there.
  public func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
    try validate()
    let cross = sites.filter { $0.kind == .cross }
    let chosen = cross.filter { $0.grid == grid }
    guard !chosen.isEmpty else {
      var grids: [Grid] = []
      for site in cross where !grids.contains(site.grid) { grids.append(site.grid) }
      throw DiffusionError.noSites(grid: grid, available: grids)
    }
    return chosen
  }

  /// What ``evaluate(_:)`` takes for granted.
  private func validate() throws {
    try DiffusionError.require(!subjects.isEmpty, "the number of subjects", "0", "at least one")
    for subject in subjects {
      try DiffusionError.require(
        !subject.tokens.isEmpty
          && subject.tokens.allSatisfy { (1..<max(lastToken, 1)).contains($0) },
        "subject \(subject.name)", "tokens \(subject.tokens)",
        "tokens in 1..<\(lastToken), which share the renormalisation")
    }
    guard let sigma else { return }
    try DiffusionError.require(
      sigma > 0 && sigma.isFinite, "the kernel's σ", String(sigma), "a number above 0")
    let side = min(grid.rows, grid.columns)
    try DiffusionError.require(
      side > 1, "the grid", grid.description, "2 rows and columns to smooth over")
    try DiffusionError.require(
      (1...side + 2).contains(kernelSize), "the kernel's side", String(kernelSize),
      "1…\(side + 2) at \(grid)")
  }

  /// The mean over heads and layers, `[pixel, token]`; each row sums to 1.
  package static func average(_ maps: [Tensor]) -> Tensor {
    Tensor.concatenated(
      maps.map { $0.reshaped([$0.shape[0] * $0.shape[1], $0.shape[2], $0.shape[3]]) }, axis: 0
    ).meanOverFirstAxis
  }

  /// The loss of one pass; see the table above.
  ///
  /// - Parameter maps: the probabilities of ``sites(among:)``, each `[1, head, pixel, token]`.
  public func evaluate(_ maps: [Tensor]) -> ObjectiveValue {
    // Probabilities are averaged, not scores; then softmax(100 A) over the prompt's tokens. The
    // factor is a temperature: without it a softmax of numbers in 0…1 would be nearly flat.
    let renormalised = Self.average(maps).sliced(axis: 1, 1..<lastToken).softmax(scale: 100)
    let largest = subjects.map { subject in
      let tokens = pieces.tokens(of: subject)
      let maps = tokens.map { token in
        renormalised.sliced(axis: 1, token - 1..<token).reshaped([1, 1, grid.rows, grid.columns])
      }
      if pieces == .mean {
        return smoothed(
          Tensor.concatenated(maps, axis: 0).meanOverFirstAxis.reshaped(maps[0].shape)
        )
        .maximum
      }
      return smoothed(.concatenated(maps, axis: 0)).maximum
    }
    let losses = largest.map { $0.affine(scale: -1, offset: 1).activated(.relu).reshaped([1]) }
    return ObjectiveValue(
      loss: Tensor.concatenated(losses, axis: 0).maximum, maxima: largest.map(\.item))
  }

  /// The maps `[piece, 1, row, column]` under the 3×3 kernel, edges mirrored.
  ///
  /// The kernel's exponent is d²/4σ², so its standard deviation is √2 σ; and the published code pads
  /// by one whatever the kernel's side, so another side than 3 changes the map's size.
  private func smoothed(_ maps: Tensor) -> Tensor {
    guard let sigma else { return maps }
    let middle = Double(kernelSize - 1) / 2
    let line = (0..<kernelSize).map { exp(-pow((Double($0) - middle) / (2 * sigma), 2)) }
    let products = line.flatMap { y in line.map { y * $0 } }
    let total = products.reduce(0, +)
    let kernel = Tensor(products.map { Float($0 / total) }, shape: [1, 1, kernelSize, kernelSize])
    return maps.reflectPadded(1).convolution(Weight(kernel), nil, padding: Padding(0))
  }
}
