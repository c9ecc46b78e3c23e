package import AttentionTrace
package import PromptText

extension RunManifest {
  /// The word by which a detector is asked about a subject: `cat` for `cat#2`, the word at token 5 for `@5`;
  /// `nil` for tokens that are no word of the prompt.
  package func word(of subject: Subject) -> String? {
    switch try? WordReference(subject.name) {
    case .words(let words, _)?: words
    case .index?, .number?:
      tokens.words.first { !Set($0.tokens).isDisjoint(with: subject.tokens) }?.text
    case .start?, .end?, .padding?, nil: nil
    }
  }
}
