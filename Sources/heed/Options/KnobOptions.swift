import ArgumentParser
package import Diffusion

/// The knobs of all methods as options, each under its own name.
///
/// The options are those of ``Methods/all``: a method that is added there has its knobs here, in help,
/// in completion and in suggestions.
package struct KnobOptions: ParsableArguments, CustomReflectable {
  /// The texts that were given, by knob.
  package private(set) var texts: [String: String] = [:]

  package init() {}

  /// What ArgumentParser takes for the properties of this group.
  package var customMirror: Mirror {
    Mirror(
      self, children: KnobOption.all.map { (label: $0.name, value: $0.wrapper) },
      displayStyle: .struct)
  }

  private struct Key: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    for option in KnobOption.all {
      let key = Key(stringValue: option.name)
      switch option.form {
      case .value:
        texts[option.name] = try container.decode(Option<String?>.self, forKey: key).wrappedValue
      case .toggle:
        texts[option.name] = try container.decode(Flag<Bool?>.self, forKey: key).wrappedValue
          .map { String($0) }
      case .list:
        let values = try container.decode(Option<[String]>.self, forKey: key).wrappedValue
        if !values.isEmpty { texts[option.name] = values.joined(separator: "; ") }
      }
    }
  }

  /// The methods with the knobs that were given.
  /// - Throws: ``Failure`` for a knob that none of them reads, as it would change nothing;
  ///   `DiffusionError` for a text that is not one of its values.
  package func applied(to methods: [any Method]) throws -> [any Method] {
    for option in KnobOption.all where texts[option.name] != nil {
      guard !methods.contains(where: { option.readers.contains($0.name) }) else { continue }
      throw Failure(
        .usage,
        "--\(option.name) is an option of \(option.readers.joined(separator: ", ")), "
          + (option.readers.count == 1
            ? "which is not a method of this run" : "none of which is a method of this run"))
    }
    return try methods.map { method in
      var method = method
      let own = Set(method.knobs.map(\.name))
      try method.set(texts.filter { own.contains($0.key) })
      return method
    }
  }
}

/// One knob's option, whichever methods read it.
struct KnobOption {
  let name: String
  let alias: String?
  let form: KnobForm
  /// The methods that read it.
  let readers: [String]
  private let help: ArgumentHelp
  private let choices: [String]

  /// The knobs of all methods, in the methods' order, each once.
  static var all: [KnobOption] {
    var names: [String] = []
    var readers: [String: [(method: String, knob: KnobDescription)]] = [:]
    for method in Methods.all {
      for knob in method.knobs {
        if readers[knob.name] == nil { names.append(knob.name) }
        readers[knob.name, default: []].append((method.name, knob))
      }
    }
    return names.compactMap { name in readers[name].flatMap(KnobOption.init) }
  }

  private init?(_ readers: [(method: String, knob: KnobDescription)]) {
    guard let knob = readers.first?.knob else { return nil }
    (name, alias, form, choices) = (knob.name, knob.alias, knob.form, knob.choices)
    self.readers = readers.map(\.method)
    let texts = Set(readers.map { $0.knob.standard })
    let byMethod = readers.count > 2 ? "" : self.readers.joined(separator: ", ") + ": "
    let standard =
      texts.count == 1
      ? knob.standard.map { " (default: \($0.isEmpty ? "none" : $0))" } ?? ""
      : " (default: the method's)"
    help = ArgumentHelp(
      byMethod.isEmpty ? knob.help + standard : byMethod + knob.help + standard,
      valueName: knob.placeholder, visibility: HelpDetail.rare)
  }

  /// What ArgumentParser reads an option from.
  var wrapper: Any {
    let names = NameSpecification(
      [.customLong(name)] + [alias.map { .customLong($0) }].compactMap(\.self))
    let completion: CompletionKind? = choices.isEmpty ? nil : .list(choices)
    switch form {
    case .value:
      return Option<String?>(
        name: names, parsing: .unconditional, help: help, completion: completion)
    case .toggle: return Flag<Bool?>(name: names, inversion: .prefixedNo, help: help)
    case .list:
      return Option<[String]>(
        wrappedValue: [], name: names, parsing: .unconditionalSingleValue, help: help,
        completion: completion)
    }
  }
}
