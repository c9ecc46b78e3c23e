internal import TensorEngine

/// A syntax error in an objective, and its place.
public struct ObjectiveExpressionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The expression.
  public let text: String
  /// Where in it, in characters from 1.
  public let column: Int
  /// What was expected, and what is there.
  public let reason: String

  /// One line.
  public var description: String {
    "objective '\(FileError.printable(text))', column \(column): \(FileError.printable(reason))"
  }
}
