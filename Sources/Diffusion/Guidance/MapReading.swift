public import AttentionTrace
private import Foundation
public import PromptText
internal import TensorEngine

/// How an objective reads cross-attention: at which grid, over which tokens, how smoothed.
///
/// The three maps of a token s in the notation of Attend-and-Excite and its successors:
///
/// | here | there |
/// | --- | --- |
/// | ``TokenMaps/average`` | A, the mean over heads and layers at the grid |
/// | ``TokenMaps/renormalised(_:)-(Subject)`` | B = softmax(100 A) over the prompt's tokens |
/// | ``TokenMaps/smoothed(_:)-(Subject)`` | B̃, B under the kernel G |
/// | ``TokenMaps/distribution(_:)-(Subject)`` | P = A / Σ A over the pixels |
public struct MapReading: Sendable, Hashable {
  /// The grid whose maps are read.
  public var grid: Grid
  /// Which pieces of a word make its map.
  public var pieces: PieceRule
  /// Tokens `1..<lastToken` share the renormalisation; see ``PlannedRun/lastToken``.
  public var lastToken: Int
  /// The smoothing kernel's σ; `nil` leaves the maps as they are.
  public var sigma: Double?
  /// The smoothing kernel's side.
  public var kernelSize: Int

  /// A reading of the maps at `grid`, smoothed by a Gaussian of `sigma` cells; `nil` for no smoothing.
  public init(
    grid: Grid, lastToken: Int, pieces: PieceRule = .standard, sigma: Double? = 0.5,
    kernelSize: Int = 3
  ) {
    self.grid = grid
    self.pieces = pieces
    self.lastToken = lastToken
    self.sigma = sigma
    self.kernelSize = kernelSize
  }

  /// The sites of one kind at the grid.
  ///
  /// - Parameters:
  ///   - kind: which attention is read.
  ///   - sites: those that a model has.
  ///   - subjects: the words that will be read.
  ///   - cellByCell: whether smoothed maps are read cell by cell of the grid, so that the kernel must
  ///     leave them its size.
  /// - Throws: ``DiffusionError`` if no such site exists, or a map could not be read there.
  public func sites(
    _ kind: AttentionSite.Kind = .cross, among sites: [AttentionSite], for subjects: [Subject],
    cellByCell: Bool = false
  ) throws -> [AttentionSite] {
    try validate(subjects)
    try DiffusionError.require(
      !cellByCell || sigma == nil || kernelSize == 3, "the kernel's side", String(kernelSize),
      "3, because this objective compares maps cell by cell and needs their full size")
    let ofKind = sites.filter { $0.kind == kind }
    let chosen = ofKind.filter { $0.grid == grid }
    guard !chosen.isEmpty else {
      var grids: [Grid] = []
      for site in ofKind where !grids.contains(site.grid) { grids.append(site.grid) }
      throw DiffusionError.noSites(kind: kind, grid: grid, available: grids)
    }
    return chosen
  }

  /// What the maps take for granted.
  private func validate(_ subjects: [Subject]) throws {
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
      side > 1, "the grid", grid.description, "at least 2 rows and columns")
    try DiffusionError.require(
      (1...side + 2).contains(kernelSize), "the kernel's side", String(kernelSize),
      "1…\(side + 2) at \(grid)")
  }

  /// Reads a pass.
  public func read(_ maps: PassMaps) -> TokenMaps {
    TokenMaps(average: maps.average(at: grid), reading: self)
  }

  /// Maps `[batch, 1, row, column]` under the 3×3 kernel, edges mirrored.
  ///
  /// The kernel's exponent is d²/4σ², so its standard deviation is √2 σ; and the published code pads
  /// by one whatever the kernel's side, so another side than 3 changes the map's size.
  func smoothed(_ maps: Tensor) -> Tensor {
    guard let sigma else { return maps }
    let middle = Double(kernelSize - 1) / 2
    let line = (0..<kernelSize).map { exp(-pow((Double($0) - middle) / (2 * sigma), 2)) }
    let products = line.flatMap { y in line.map { y * $0 } }
    let total = products.reduce(0, +)
    let kernel = Tensor(products.map { Float($0 / total) }, shape: [1, 1, kernelSize, kernelSize])
    return maps.reflectPadded(1).convolution(Weight(kernel), nil, padding: Padding(0))
  }

  /// A map of any shape as `[1, 1, row, column]`.
  func plane(_ map: Tensor) -> Tensor { map.reshaped([1, 1, grid.rows, grid.columns]) }
}
