/// What a paper's caption says of a figure, in parts of which the figure may print some itself.
struct FigureCaption {
  /// The prompt, which stands above the figure as its title; empty if it has none of its own.
  var prompt = ""
  /// What is shown, as a sentence.
  var shown: String
  /// What the note below the figure says: what was measured and how it is drawn, in sentences.
  var note = ""

  /// All of it.
  var full: String { joined(prompt: prompt, note: note) }

  /// What a figure that prints `words` leaves to say.
  func unprinted(_ words: PrintedWords) -> String {
    joined(prompt: words.title ? "" : prompt, note: words.note ? "" : note)
  }

  private func joined(prompt: String, note: String) -> String {
    let sentence =
      prompt.isEmpty ? shown.prefix(1).uppercased() + shown.dropFirst() : "“\(prompt)”: \(shown)"
    return note.isEmpty ? sentence : sentence + " " + note
  }
}
