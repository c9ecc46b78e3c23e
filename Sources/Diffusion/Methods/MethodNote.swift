/// What a method says of how it takes a run.
public struct MethodNote: Hashable, Sendable {
  /// The line.
  public let text: String
  /// Whether the user most likely did not mean this.
  public let isWarning: Bool

  /// A line about how a run is taken.
  public init(_ text: String, isWarning: Bool = false) {
    self.text = text
    self.isWarning = isWarning
  }
}
