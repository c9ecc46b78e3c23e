internal import TensorEngine

/// What LoRAs change of one part, by the names of its parameters.
struct LoRAUpdates: Sendable {
  private var byName: [String: [LoRAChange]] = [:]
  /// What of the files the part does not have, a line each.
  private(set) var notes: [String] = []

  /// What some files put before every name of a text encoder, and kohya's always.
  private static let prefix = "text_model."
  /// What only SDXL's UNet has.
  private static let sizes = "add_embedding.linear_1.weight"

  /// Nothing is changed.
  init() {}

  /// Finds the parameters of every module that the files change in `part`.
  ///
  /// A file may name a few modules that the part does not have, as for layers that a checkpoint leaves out; a
  /// file of which the part has less than half is for another model.
  /// - Parameters:
  ///   - parameters: the part's.
  ///   - original: the part's original names, by which kohya's files may go.
  /// - Throws: ``DiffusionError/notRunnable(path:what:advice:)`` for a file for another model, `FileError` listing
  ///   the modules that the part does not have.
  init(
    _ files: [LoRAFile], to part: CheckpointPart, of parameters: Parameters,
    original: OriginalNames?
  ) throws {
    let known = Set(parameters.names)
    let names = Self.flatNames(part, parameters.names, original)
    for file in files {
      let modules = file.modules.filter { $0.part == part }
      var changed: Set<String> = []
      var strangers: [String] = []
      for module in modules {
        let targets = names[module.name].map { path in
          [
            (module.changesWeight, path + ".weight", false),
            (module.changesBias, path + ".bias", true),
          ]
          .filter(\.0)
        }
        guard let targets, targets.allSatisfy({ known.contains($0.1) }) else {
          strangers.append(FileError.printable(module.key))
          continue
        }
        try Self.requireWidth(of: module, targets.map(\.1), file, parameters)
        for (_, name, isBias) in targets {
          guard changed.insert(name).inserted else {
            throw FileError(
              .malformed, path: file.file.path, subject: FileError.printable(module.key),
              reason: "a second change of \(name)")
          }
          byName[name, default: []].append(
            LoRAChange(source: file, module: module, isBias: isBias))
        }
      }
      if strangers.isEmpty { continue }
      let list =
        "\(strangers.count) modules are not in the checkpoint's \(part.title): "
        + LoRAFile.list(strangers)
      if let model = LoRAArchitecture.shaped(by: file.modules, of: file.file),
        !model.fits(isXL: parameters.has(Self.sizes))
      {
        throw LoRAFile.refusal(file.file.path, model, list + "; ")
      }
      guard 2 * strangers.count < modules.count else {
        throw FileError(.malformed, path: file.file.path, reason: list)
      }
      notes.append("\(file.file.path): passed over, as \(list)")
    }
  }

  /// Refuses a module whose input is of another width than the checkpoint's, before anything is read: where it
  /// is that of the text, it tells the model that the file is for.
  private static func requireWidth(
    of module: LoRAFile.Module, _ names: [String], _ file: LoRAFile, _ parameters: Parameters
  ) throws {
    // Other kinds than these have the kernel's extents within that of the input.
    guard module.isOfText || module.tensors[.down] != nil,
      let width = module.inputWidth(in: file.file), let name = names.first,
      let shape = parameters.storedShape(name), shape.count >= 2, shape[1] != width
    else { return }
    let texts = module.isOfText ? [module] : file.modules.filter(\.isOfText)
    if let model = LoRAArchitecture.shaped(by: texts, of: file.file) {
      throw LoRAFile.refusal(
        file.file.path, model,
        "the checkpoint's \(module.isOfText ? "text" : name) has the width \(shape[1]); ")
    }
    throw FileError(
      .malformed, path: file.file.path, subject: FileError.printable(module.key),
      reason:
        "an input of width \(width), where \(name) has \(shape[1]): the LoRA is for a checkpoint of "
        + "other widths")
  }

  /// Modules by their names with `_` for every point, in diffusers' layout and in the original one.
  private static func flatNames(
    _ part: CheckpointPart, _ parameters: [String], _ original: OriginalNames?
  ) -> [String: String] {
    let root = part.isText && parameters.contains { $0.hasPrefix(prefix) } ? prefix : ""
    func flat(_ name: some StringProtocol) -> String {
      String(name).replacing(".", with: "_")
    }
    var names: [String: String] = [:]
    for parameter in parameters where parameter.hasSuffix(".weight") {
      let module = String(parameter.dropLast(".weight".count))
      let ours = parameter.dropFirst(root.count)
      names[flat(ours.dropLast(".weight".count))] = module
      if part.isText { names[flat(prefix + ours.dropLast(".weight".count))] = module }
      // A fused tensor has no module of its own.
      guard let original, let (name, form) = original.original(String(ours)), form == .whole else {
        continue
      }
      names[flat(name.dropFirst(original.prefix.count).dropLast(".weight".count))] = module
    }
    return names
  }

  /// Whether anything is changed of the parameter `name`.
  func changes(_ name: String) -> Bool { byName[name] != nil }

  /// The parameter with every change of it.
  /// - Throws: `FileError` for factors whose product has another shape, or which are not finite.
  func applied(to parameter: Tensor, _ name: String) throws -> Tensor {
    try (byName[name] ?? []).reduce(parameter) { try $1.applied(to: $0, name) }
  }
}
