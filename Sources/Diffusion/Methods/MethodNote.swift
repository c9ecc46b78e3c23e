/// A message of a method about how it interprets a run.
public struct MethodNote: Hashable, Sendable {
  /// The line.
  public let text: String
  /// Whether the user probably did not intend this.
  public let isWarning: Bool

  /// A message about how a run is interpreted.
  public init(_ text: String, isWarning: Bool = false) {
    self.text = text
    self.isWarning = isWarning
  }
}
