/// What a paper's caption says of a figure, in parts of which the figure may print some itself.
package struct FigureCaption {
  /// The prompt, which stands above the figure as its title; empty if it has none of its own.
  package var prompt = ""
  /// What is shown, as a sentence.
  package var shown: String
  /// What the note below the figure says: what was measured and how it is drawn, in sentences.
  package var note = ""

  package init(prompt: String = "", shown: String, note: String = "") {
    self.prompt = prompt
    self.shown = shown
    self.note = note
  }

  /// All of it.
  package var full: String { joined(prompt: prompt, note: note) }

  /// What a figure that prints `words` leaves to say.
  package func unprinted(_ words: PrintedWords) -> String {
    joined(prompt: words.title ? "" : prompt, note: words.note ? "" : note)
  }

  private func joined(prompt: String, note: String) -> String {
    let sentence =
      prompt.isEmpty ? shown.prefix(1).uppercased() + shown.dropFirst() : "“\(prompt)”: \(shown)"
    return note.isEmpty ? sentence : sentence + " " + note
  }
}
