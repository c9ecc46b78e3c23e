/// Which words a figure prints besides the labels of its parts.
public struct PrintedWords: Hashable, Sendable {
  /// Whether the prompt stands above the figure.
  public var title: Bool
  /// Whether a note below the figure says how it was drawn and measured.
  public var note: Bool
  /// Whether what is drawn is a panel of a sheet of several, above which the prompt stands once.
  package var isPart = false

  /// Both words, unless one is left out for a paper whose caption says it.
  public init(title: Bool = true, note: Bool = true) {
    self.title = title
    self.note = note
  }
}
