import Diffusion

/// Names of methods, separated by commas.
struct MethodList {
  let methods: [any Method]

  /// - Throws: ``Failure`` for an unknown name, listing the known ones, and for a name given twice.
  init(option: String, _ text: String) throws {
    var methods: [any Method] = []
    for name in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let method = Methods.all.first(where: { $0.name == name }) else {
        throw Failure.wrongValue(option, name, expected: Methods.all.map(\.name))
      }
      guard !methods.contains(where: { $0.name == name }) else {
        throw Failure(.usage, "\(option): '\(name)' is given twice")
      }
      methods.append(method)
    }
    self.methods = methods
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
