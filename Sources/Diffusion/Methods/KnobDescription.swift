/// A method's knob as help and options describe it.
public struct KnobDescription: Hashable, Sendable {
  /// The name, as in `max-iter-to-alter`.
  public let name: String
  /// Another name that the command line takes; `nil` for none.
  public let alias: String?
  /// One line of help, without the default.
  public let help: String
  /// The placeholder of the value in help.
  public let placeholder: String
  /// How it is given on the command line.
  public let form: KnobForm
  /// The possible values, if they can be listed.
  public let choices: [String]
  /// The text it has in the method; `nil` where the prompt or the checkpoint decides it.
  public let text: String?
  /// The default for help: the text, or what it is where a run has not decided it; `nil` for none.
  public let standard: String?

  init<Root>(_ knob: Knob<Root>, in root: Root) {
    (name, alias, help, placeholder) = (knob.name, knob.alias, knob.help, knob.placeholder)
    (form, choices, text) = (knob.form, knob.choices, knob.text(in: root))
    standard = knob.standardText(in: root)
  }
}
