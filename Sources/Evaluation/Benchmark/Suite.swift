/// The prompts that methods are compared over.
public struct Suite: Hashable, Sendable {
  /// Its name, as in `attend-and-excite`.
  public let name: String
  /// At least one; no two have the same `id`.
  public let prompts: [SuitePrompt]

  /// What tables call all of a suite's prompts: no subset's name.
  package static let wholeName = "all"

  /// A suite of prompts that were checked.
  package init(name: String, prompts: [SuitePrompt]) {
    (self.name, self.prompts) = (name, prompts)
  }

  /// The subsets of its prompts in their order, each once; none where it has none.
  package var subsets: [String] {
    prompts.compactMap(\.subset).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}
