import Diffusion

/// Names of methods, separated by commas.
struct MethodList {
  let methods: [any Method]

  /// - Throws: ``Failure`` for an unknown name, listing the known ones, and for a name given twice.
  init(option: String, _ text: String) throws {
    let known = Methods.all
    let names = try NameList(option: option, text, of: known.map(\.name)).names
    methods = names.compactMap { name in known.first { $0.name == name } }
  }

  /// One method by its name.
  static func one(option: String, _ text: String) throws -> any Method {
    let methods = try MethodList(option: option, text).methods
    guard methods.count == 1 else {
      throw Failure(.usage, "\(option) is '\(text)'; expected one method")
    }
    return methods[0]
  }
}
