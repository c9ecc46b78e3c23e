internal import AttentionTrace
internal import PromptText
internal import TensorEngine

/// Distances between the words of a prompt, as SynGen and EBAMA take them.
struct WordRepulsion {
  /// The distribution of each token that is asked for, `[pixel]`.
  private let distributions: [Int: Tensor]
  private let content: [Int]
  private let metric: (Tensor, Tensor) -> Tensor

  init(maps: TokenMaps, content: [Int], distance: @escaping (Tensor, Tensor) -> Tensor) {
    distributions = Dictionary(
      content.map { ($0, maps.distribution($0)) }, uniquingKeysWith: { first, _ in first })
    self.content = content
    metric = distance
  }

  /// The largest distance between any pieces of two words.
  func distance(_ a: Subject, _ b: Subject) -> Tensor { distance(a.tokens, b.tokens) }

  /// The mean distance of a word from the tokens outside its group.
  func away(_ word: Subject, from group: WordGroup) -> Tensor {
    let inside = Set(group.tokens)
    return .mean(content.filter { !inside.contains($0) }.map { distance(word.tokens, [$0]) })
  }

  private func distance(_ a: [Int], _ b: [Int]) -> Tensor {
    .largest(
      a.flatMap { a in
        b.compactMap { b in
          guard let p = distributions[a], let q = distributions[b] else { return nil }
          return metric(p, q)
        }
      })
  }

  /// Refuses groups without anything to push apart or together.
  static func validate(_ groups: [WordGroup], _ content: [Int], readsBareNouns: Bool) throws {
    try WordGroup.requireSome(groups)
    let known = Set(content)
    for word in groups.words {
      try DiffusionError.require(
        known.isSuperset(of: word.tokens), "the word \(word.name)", "tokens \(word.tokens)",
        "tokens of the prompt's text")
    }
    try DiffusionError.require(
      groups.contains { readsBareNouns || !$0.modifiers.isEmpty }, "the groups of words",
      "nouns without modifiers",
      "a noun with its modifiers, as in --groups \"red car\"")
  }
}
