import Diffusion

/// The pages of `heed help methods`, the list of methods, and `heed help METHOD`, one method's knobs.
package struct MethodHelp {
  package let text: String

  /// The page that arguments ask for; `nil` if they ask for none.
  package init?(_ arguments: some Sequence<String>) {
    let words = Array(arguments)
    guard words.count == 2, words[0] == "help" else { return nil }
    if words[1] == "methods" {
      text = Self.list
    } else if let method = Methods.all.first(where: { $0.name == words[1] }) {
      text = Self.page(method)
    } else {
      return nil
    }
  }

  private static var list: String {
    let lines = Methods.all.map { "  \($0.name)\n" + wrapped($0.summary, indent: 6) }
    return """
      METHODS

      \(lines.joined(separator: "\n"))

      heed help METHOD has the knobs of a method.
      """
  }

  private static func page(_ method: any Method) -> String {
    let knobs = method.knobs.map { knob in
      let names = [knob.alias, knob.name].compactMap(\.self).map { "--\($0)" }
      let synopsis =
        switch knob.form {
        case .toggle: "--\(knob.name)/--no-\(knob.name)"
        case .value, .list: "\(names.joined(separator: ", ")) <\(knob.placeholder)>"
        }
      let repeatable = knob.form == .list ? " Repeatable." : ""
      return "  \(synopsis)\n" + wrapped(knob.help + repeatable + standard(of: knob), indent: 6)
    }
    return """
      \(method.title.uppercased()): \(method.name)

      \(wrapped(method.summary, indent: 0))

      \(knobs.isEmpty ? "It has no knobs." : "KNOBS\n" + knobs.joined(separator: "\n"))

      Use: heed generate <prompt> --method \(method.name)
      Several methods side by side: heed compare <prompt> --methods stable-diffusion,\(method.name)
      """
  }

  private static func standard(of knob: KnobDescription) -> String {
    knob.standard.map { " (default: \($0.isEmpty ? "none" : $0))" } ?? ""
  }

  /// Lines of at most 80 columns.
  private static func wrapped(_ text: String, indent: Int) -> String {
    let space = String(repeating: " ", count: indent)
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + word.count < 80 {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(space + word)
      }
    }
    return lines.joined(separator: "\n")
  }
}
