private import Foundation
internal import PromptText
internal import TensorEngine

/// How far maps are apart, by the divergence of Jensen and Shannon of any number of them.
///
/// - Reference: FOCUS and JEDI; github.com/ericbill21/FOCUS `src/losses.py`.
enum MapSeparation {
  /// J = (1/T) Σ_t Σ_x q_t (ln q_t − ln m) / ln T, m the mean of the q_t: 0 for equal maps, 1 for maps that
  /// share no cell.
  ///
  /// - Parameter maps: distributions over the cells, `[pixel]`; two or more.
  static func divergence(_ maps: [Tensor]) -> Tensor {
    // As published, what keeps logarithms finite is added rather than a bound.
    func logarithm(_ map: Tensor) -> Tensor {
      map.affine(scale: 1, offset: MapDistance.floor).logarithm
    }
    let mean = logarithm(.mean(maps))
    return Tensor.mean(maps.map { ($0 * (logarithm($0) - mean)).sum })
      .affine(scale: 1 / log(Float(maps.count)))
  }

  /// Refuses groups of which nothing can be parted or joined.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)``.
  static func requireParts(_ groups: [[Subject]]) throws {
    try DiffusionError.require(
      groups.count > 1 || groups.contains { $0.flatMap(\.tokens).count > 1 },
      "the groups of words",
      groups.isEmpty ? "none" : groups.flatMap { $0.map(\.name) }.joined(separator: " "),
      "two or more, as in red car and white sheep, or one of several words")
  }

  /// Half of what parts the tokens of one group, and of what joins the groups: 0 where each group is one map and
  /// no two groups share a cell.
  ///
  /// Of a group of one token nothing is parted, and of one group nothing is joined.
  /// - Parameters:
  ///   - groups: the distributions of each group's tokens.
  ///   - mixtures: that of each group.
  static func loss(_ groups: [[Tensor]], _ mixtures: [Tensor]) -> Tensor {
    let within = groups.filter { $0.count > 1 }.map(divergence)
    let between =
      mixtures.count > 1
      ? divergence(mixtures).affine(scale: -1, offset: 1) : .scalar(0)
    return (Tensor.mean(within) + between).affine(scale: 0.5)
  }
}
