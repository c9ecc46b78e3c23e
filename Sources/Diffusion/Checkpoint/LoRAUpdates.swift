internal import TensorEngine

/// What LoRAs add to the weights of one part, by the weights' names.
struct LoRAUpdates: Sendable {
  fileprivate struct Update: Sendable {
    let source: LoRAFile
    let module: LoRAFile.Module
  }

  private var updates: [String: [Update]] = [:]

  /// What some files put before every name of a text encoder, and kohya's always.
  private static let prefix = "text_model."

  /// Nothing is added.
  init() {}

  /// Finds the weight of every module that the files change in `part`.
  ///
  /// - Parameters:
  ///   - weights: the part's parameters, as diffusers calls them.
  ///   - original: the part's original names, by which kohya's files may go.
  /// - Throws: `FileError` listing the modules that the part does not have.
  init(
    _ files: [LoRAFile], to part: CheckpointPart, weights: [String], original: OriginalNames?
  ) throws {
    let root = weights.contains { $0.hasPrefix(Self.prefix) } ? Self.prefix : ""
    var names: [String: String] = [:]
    if !files.isEmpty { names = Self.flatNames(part, weights, root, original) }
    let known = Set(weights)
    for file in files {
      var changed: Set<String> = []
      var strangers: [String] = []
      for module in file.modules where module.part == part {
        let weight: String? =
          switch module.name {
          case .dotted(let name): root + name + ".weight"
          case .flat(let name): names[name]
          }
        guard let weight, known.contains(weight) else {
          strangers.append(FileError.printable(module.key))
          continue
        }
        guard changed.insert(weight).inserted else {
          throw FileError(
            .malformed, path: file.file.path, subject: FileError.printable(module.key),
            reason: "a second change of \(weight)")
        }
        updates[weight, default: []].append(Update(source: file, module: module))
      }
      guard strangers.isEmpty else {
        throw FileError(
          .malformed, path: file.file.path,
          reason: "\(strangers.count) modules are not in the checkpoint's \(part.title): "
            + LoRAFile.list(strangers))
      }
    }
  }

  /// Weights by their modules' names with `_` for every point, as kohya's files have them.
  private static func flatNames(
    _ part: CheckpointPart, _ weights: [String], _ root: String, _ original: OriginalNames?
  ) -> [String: String] {
    var names: [String: String] = [:]
    for weight in weights where weight.hasSuffix(".weight") {
      let ours = weight.dropFirst(root.count)
      let module = (part == .textEncoder ? prefix : "") + ours.dropLast(".weight".count)
      names[module.replacing(".", with: "_")] = weight
      // A fused tensor has no module of its own.
      guard let (name, form) = original?.original(String(ours)), form == .whole else { continue }
      let other = name.dropFirst(part.originalPrefix.count).dropLast(".weight".count)
      names[String(other).replacing(".", with: "_")] = weight
    }
    return names
  }

  /// Whether anything is added to the weight `name`.
  func changes(_ name: String) -> Bool { updates[name] != nil }

  /// The weight with all that is added to it.
  /// - Throws: `FileError` for factors whose product has another shape, or which are not finite.
  func applied(to weight: Tensor, _ name: String) throws -> Tensor {
    guard let updates = updates[name] else { return weight }
    return try updates.reduce(weight) { weight, update in
      weight + (try update.change(of: name, weight.shape))
    }
  }
}

extension LoRAUpdates.Update {
  /// The product of the factors, scaled, in the weight's shape.
  fileprivate func change(of name: String, _ shape: [Int]) throws -> Tensor {
    let down = try factor(module.down)
    let up = try factor(module.up)
    let mid = try module.mid.map { try factor($0) }
    let rank = down.shape.first ?? 0
    let inner = mid.map { $0.shape.first ?? 0 } ?? rank
    let kernel = Array(shape.dropFirst(2))
    let fits =
      rank > 0 && inner > 0 && shape.count >= 2 && up.hasShape([shape[0], inner])
      && (mid.map { $0.hasShape([inner, rank] + kernel) && down.hasShape([rank, shape[1]]) }
        ?? down.hasShape([rank] + shape.dropFirst()))
    guard fits else {
      let factors = [down.shape, mid?.shape, up.shape].compactMap { $0?.description }
      throw FileError(
        .malformed, path: source.file.path, subject: FileError.printable(module.key),
        reason: "factors of \(factors.joined(separator: " and ")) do not multiply to \(shape), "
          + "the shape of \(name): the LoRA is for a checkpoint of other widths")
    }
    let alpha = module.alpha ?? Double(rank)
    let scale =
      source.scale * alpha
      / (module.isRankStabilized ? Double(rank).squareRoot() : Double(rank))
    let right =
      mid.map { Self.through($0, down, inner) } ?? down.reshaped([rank, down.count / rank])
    let product = up.reshaped([shape[0], inner]).linear(Weight(right.transposed), nil)
    return product.reshaped(shape).affine(scale: Float(scale))
  }

  /// `mid · down` as one factor: `[inner, in · kernel]` of `[inner, rank, kernel…]` and `[rank, in]`.
  private static func through(_ mid: Tensor, _ down: Tensor, _ inner: Int) -> Tensor {
    let rank = down.shape[0]
    let input = down.count / rank
    let kernel = mid.count / (inner * rank)
    let cells = mid.reshaped([inner, rank, kernel]).transposed.reshaped([inner * kernel, rank])
    return cells.linear(Weight(down.reshaped([rank, input]).transposed), nil)
      .reshaped([inner, kernel, input]).transposed.reshaped([inner, input * kernel])
  }

  private func factor(_ name: String?) throws -> Tensor {
    let name = name ?? module.key
    let tensor = try source.file.tensor(name)
    guard tensor.isFinite else {
      throw FileError(
        .malformed, path: source.file.path, subject: FileError.printable(name),
        reason: "expected finite numbers, got NaN or infinity")
    }
    return tensor
  }
}

extension Tensor {
  /// Whether the shape is `extents` with any number of ones behind either of them.
  fileprivate func hasShape(_ extents: [Int]) -> Bool {
    let rank = max(shape.count, extents.count)
    func padded(_ shape: [Int]) -> [Int] {
      shape + [Int](repeating: 1, count: rank - shape.count)
    }
    return padded(shape) == padded(extents)
  }
}
