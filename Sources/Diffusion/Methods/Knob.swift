private import Foundation

/// Where in a method, or in a part of it, the value of a knob is.
public typealias KnobPath<Root, Value> = any WritableKeyPath<Root, Value> & Sendable

/// One setting of a method: its name, its range, its help, and how it is read and written as text.
///
/// The text is what the command line takes, what `run.json` holds and what a sweep varies.
public struct Knob<Root>: Sendable {
  /// The name, as in `max-iter-to-alter`.
  public let name: String
  /// Another name that the command line takes; `nil` for none.
  public private(set) var alias: String?
  /// One line of help, without the default.
  public let help: String
  /// The placeholder of the value in help, as in `number`.
  public let placeholder: String
  /// How it is given on the command line.
  public let form: KnobForm
  /// The possible values, if they can be listed.
  public private(set) var choices: [String] = []
  private let read: @Sendable (inout Root, String) throws -> Bool
  private let write: @Sendable (Root) -> String?
  private let expected: String
  private let standard: @Sendable (Root) -> String?

  /// A knob of any kind.
  ///
  /// - Parameters:
  ///   - name: the name, as in `max-iter-to-alter`.
  ///   - help: one line of help, without the default.
  ///   - placeholder: what stands for the value in help.
  ///   - form: how it is given on the command line.
  ///   - expected: what a text must be, as in `0 to 1`, for the message that refuses another.
  ///   - standard: what help says of the default where `write` gives none.
  ///   - write: the knob's text; `nil` if the method decides the value.
  ///   - read: sets the knob to a text; `false` if the text is not a valid value; throws to
  ///     give a more specific reason.
  public init(
    _ name: String, _ help: String, placeholder: String = "value", form: KnobForm = .value,
    expected: String, standard: @escaping @Sendable (Root) -> String? = { _ in nil },
    write: @escaping @Sendable (Root) -> String?,
    read: @escaping @Sendable (inout Root, String) throws -> Bool
  ) {
    self.name = name
    self.help = help
    self.placeholder = placeholder
    self.form = form
    self.expected = expected
    self.standard = standard
    self.write = write
    self.read = read
  }

  /// The knob's text; `nil` if the method decides the value.
  public func text(in root: Root) -> String? { write(root) }

  /// The default for help; `nil` if there is none to say.
  func standardText(in root: Root) -> String? { write(root) ?? standard(root) }

  /// Sets the knob.
  /// - Throws: ``DiffusionError/knob(name:reason:)`` when `text` is not a valid value.
  public func set(_ text: String, in root: inout Root) throws {
    guard try read(&root, text) else {
      throw DiffusionError.knob(name: name, reason: "is '\(text)'; expected \(expected)")
    }
  }

  /// The same knob of something that holds its root.
  public func lifted<Outer>(
    _ path: KnobPath<Outer, Root>
  ) -> Knob<Outer> {
    var knob = Knob<Outer>(
      name, help, placeholder: placeholder,
      form: form, expected: expected, standard: { [standard] in standard($0[keyPath: path]) },
      write: { [write] in write($0[keyPath: path]) },
      read: { [read] in try read(&$0[keyPath: path], $1) })
    (knob.alias, knob.choices) = (alias, choices)
    return knob
  }

  /// The knob with an alias.
  public func also(_ alias: String) -> Self {
    var knob = self
    knob.alias = alias
    return knob
  }
}

// MARK: - Kinds

extension Knob {
  /// A number in a range.
  public static func number(
    _ name: String, _ path: KnobPath<Root, Double>, in range: ClosedRange<Double>,
    _ help: String
  ) -> Self {
    ranged(name, path, in: range, help)
  }

  /// A whole number in a range.
  public static func integer(
    _ name: String, _ path: KnobPath<Root, Int>, in range: ClosedRange<Int>,
    _ help: String
  ) -> Self {
    ranged(name, path, in: range, help)
  }

  /// A number in a range, or the method's own choice.
  ///
  /// - Parameter standard: what help says of that choice.
  public static func number(
    _ name: String, _ path: KnobPath<Root, Double?>, in range: ClosedRange<Double>,
    standard: String, _ help: String
  ) -> Self {
    ranged(name, path, in: range, standard: standard, help)
  }

  /// A whole number in a range, or the method's own choice.
  ///
  /// - Parameter standard: what help says of that choice.
  public static func integer(
    _ name: String, _ path: KnobPath<Root, Int?>, in range: ClosedRange<Int>, standard: String,
    _ help: String
  ) -> Self {
    ranged(name, path, in: range, standard: standard, help)
  }

  private static func ranged<Value: LosslessStringConvertible & Comparable & Sendable>(
    _ name: String, _ path: KnobPath<Root, Value?>, in range: ClosedRange<Value>,
    standard: String, _ help: String
  ) -> Self {
    Self(
      name, help, placeholder: "number", expected: range.text, standard: { _ in standard },
      write: { $0[keyPath: path].map { String($0) } },
      read: { root, text in
        guard let value = Value(text), range.contains(value) else { return false }
        root[keyPath: path] = value
        return true
      })
  }

  private static func ranged<Value: LosslessStringConvertible & Comparable & Sendable>(
    _ name: String, _ path: KnobPath<Root, Value>, in range: ClosedRange<Value>, _ help: String
  ) -> Self {
    Self(
      name, help, placeholder: "number", expected: range.text,
      write: { String($0[keyPath: path]) },
      read: { root, text in
        guard let value = Value(text), range.contains(value) else { return false }
        root[keyPath: path] = value
        return true
      })
  }

  /// Yes or no.
  public static func toggle(
    _ name: String, _ path: KnobPath<Root, Bool>, _ help: String
  ) -> Self {
    Self(
      name, help, form: .toggle, expected: "true or false",
      write: { String($0[keyPath: path]) },
      read: { root, text in
        guard let value = Bool(text) else { return false }
        root[keyPath: path] = value
        return true
      })
  }

  /// One of several named values.
  public static func choice<Value: RawRepresentable<String> & CaseIterable & SendableMetatype>(
    _ name: String, _ path: KnobPath<Root, Value>, _ help: String
  ) -> Self {
    choice(name, { $0[keyPath: path] }, { $0[keyPath: path] = $1 }, help)
  }

  /// One of several named values, or the method's own choice.
  public static func choice<Value: RawRepresentable<String> & CaseIterable & SendableMetatype>(
    _ name: String, _ path: KnobPath<Root, Value?>, _ help: String
  ) -> Self {
    choice(name, { $0[keyPath: path] }, { $0[keyPath: path] = $1 }, help)
  }

  private static func choice<Value: RawRepresentable<String> & CaseIterable & SendableMetatype>(
    _ name: String, _ get: @escaping @Sendable (Root) -> Value?,
    _ set: @escaping @Sendable (inout Root, Value) -> Void, _ help: String
  ) -> Self {
    let choices = Value.allCases.map(\.rawValue)
    var knob = Self(
      name, help, placeholder: name, expected: choices.joined(separator: " or "),
      write: { get($0)?.rawValue },
      read: { root, text in
        guard let value = Value(rawValue: text) else { return false }
        set(&root, value)
        return true
      })
    knob.choices = choices
    return knob
  }
}

extension ClosedRange where Bound: LosslessStringConvertible {
  /// As in `0.01 to 1000`.
  fileprivate var text: String {
    func short(_ bound: Bound) -> String {
      let text = bound.description
      return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
    return "\(short(lowerBound)) to \(short(upperBound))"
  }
}

extension Knob {
  /// Numbers with commas between them: what a text holds; `nil` unless all of it are `count` numbers.
  package static func numbers(_ text: some StringProtocol, count: Int) -> [Double]? {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Double($0.trimmingCharacters(in: .whitespaces)) }
    return parts.count == count && numbers.count == count && numbers.allSatisfy(\.isFinite)
      ? numbers : nil
  }
}
