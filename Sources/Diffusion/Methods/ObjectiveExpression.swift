private import Foundation
internal import PromptText
internal import TensorEngine

/// A weighted sum of built-in losses, as in `excite(cat, frog) + 0.5 * bind(red, car)`.
///
/// A term is a name and its arguments in parentheses, with a number and `*` before it or not; terms
/// are added or subtracted. An argument is a word as in `WordReference`, or a number.
public struct ObjectiveExpression: Hashable, Sendable {
  /// One loss of the sum.
  public struct Term: Hashable, Sendable {
    /// Its weight.
    public let weight: Double
    /// Which loss.
    public let kind: ObjectiveTerm
    /// Words, and numbers after them.
    public let arguments: [String]
  }

  /// The losses, in their order; at least one.
  public let terms: [Term]

  /// The canonical text, from which the same expression is read.
  public var text: String {
    terms.enumerated().map { index, term in
      let weight = abs(term.weight)
      let sign = term.weight < 0 ? (index == 0 ? "-" : " - ") : index == 0 ? "" : " + "
      let factor = weight == 1 ? "" : "\(weight) * "
      return "\(sign)\(factor)\(term.kind.rawValue)(\(term.arguments.joined(separator: ", ")))"
    }.joined()
  }

  /// Reads an expression.
  /// - Throws: ``ObjectiveExpressionError`` with the column and what was expected there.
  public init(_ text: String) throws(ObjectiveExpressionError) {
    var scan = ExpressionScan(text)
    terms = try scan.terms()
  }
}

/// Goes through an expression once.
private struct ExpressionScan {
  private let text: String
  private let characters: [Character]
  private var position = 0

  init(_ text: String) {
    self.text = text
    characters = Array(text)
  }

  /// The terms up to the end.
  mutating func terms() throws(ObjectiveExpressionError) -> [ObjectiveExpression.Term] {
    var terms: [ObjectiveExpression.Term] = []
    var sign = takes("-") ? -1.0 : 1
    while true {
      terms.append(try term(sign))
      if takes("+") { sign = 1 } else if takes("-") { sign = -1 } else { break }
    }
    skipSpace()
    guard position == characters.count else { throw error("expected + or - or the end") }
    return terms
  }

  private mutating func term(
    _ sign: Double
  ) throws(ObjectiveExpressionError) -> ObjectiveExpression.Term {
    var weight = sign
    skipSpace()
    if let next = characters[safe: position], next.isNumber || next == "." {
      weight *= try number()
      guard takes("*") else { throw error("expected * after the weight") }
    }
    skipSpace()
    let start = position
    let name = word { $0.isLetter || $0 == "-" }
    guard let kind = ObjectiveTerm(rawValue: name) else {
      position = start
      throw error(
        "unknown term '\(name)'; expected one of \(ObjectiveTerm.allCases.map(\.rawValue).joined(separator: ", "))"
      )
    }
    guard takes("(") else { throw error("expected ( after \(name)") }
    let arguments = try arguments()
    if let reason = kind.complaint(about: arguments) {
      position = start
      throw error(reason)
    }
    return ObjectiveExpression.Term(weight: weight, kind: kind, arguments: arguments)
  }

  private mutating func number() throws(ObjectiveExpressionError) -> Double {
    let start = position
    var digits = word { $0.isNumber || ".eE".contains($0) }
    if digits.last?.lowercased() == "e", let sign = characters[safe: position], "+-".contains(sign)
    {
      position += 1
      digits += String(sign) + word(\.isNumber)
    }
    guard let number = Double(digits), number.isFinite else {
      position = start
      throw error("'\(digits)' is not a number")
    }
    return number
  }

  /// The arguments up to the closing parenthesis; the opening one has been read.
  private mutating func arguments() throws(ObjectiveExpressionError) -> [String] {
    var arguments: [String] = []
    repeat {
      skipSpace()
      let argument = word { !",()".contains($0) }.trimmingCharacters(in: .whitespaces)
      guard !argument.isEmpty else { throw error("expected a word") }
      arguments.append(argument)
    } while takes(",")
    guard takes(")") else { throw error("expected , or )") }
    return arguments
  }

  private mutating func word(_ belongs: (Character) -> Bool) -> String {
    let start = position
    while let next = characters[safe: position], belongs(next) { position += 1 }
    return String(characters[start..<position])
  }

  private mutating func takes(_ character: Character) -> Bool {
    skipSpace()
    guard characters[safe: position] == character else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() { _ = word { $0.isWhitespace } }

  private func error(_ reason: String) -> ObjectiveExpressionError {
    ObjectiveExpressionError(text: text, column: position + 1, reason: reason)
  }
}

extension Array {
  fileprivate subscript(safe index: Int) -> Element? {
    indices.contains(index) ? self[index] : nil
  }
}
