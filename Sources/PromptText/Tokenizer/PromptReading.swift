/// How a text becomes the tokens that a text encoder reads.
public struct PromptReading: Hashable, Sendable {
  /// What signs in it mean.
  public var syntax: PromptSyntax
  /// Whether a text that is longer than the encoder's window goes on in further windows, each with its
  /// own start and end, instead of being cut.
  public var isLong: Bool

  /// Reads plain text, as much of it as one window holds, unless told otherwise.
  public init(syntax: PromptSyntax = .plain, isLong: Bool = false) {
    self.syntax = syntax
    self.isLong = isLong
  }

  /// Whether several windows are read: the web UI's syntax has them in any case.
  public var takesWindows: Bool { isLong || syntax == .webui }
}
