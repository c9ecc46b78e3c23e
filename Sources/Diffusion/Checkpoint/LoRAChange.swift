internal import TensorEngine

/// What one module of a LoRA file does to a parameter: a weight `[out, in, kernel…]`, or a bias `[out]`.
///
/// Every kind of change is a sum: W + s · γ · ΔW, with the file's scale s and the module's `scalar` γ, where ΔW
/// is
///
/// - LoRA: α / r · B A, of rank r; through a core T of Tucker, α / r · B T A;
/// - LoHa: α / r · (B₁ A₁) ⊙ (B₂ A₂);
/// - LoKr: α / r · C ⊗ D, and C ⊗ D where both factors are whole;
/// - a full difference: the difference.
///
/// DoRA then gives each row the norm that it has learned: m / ‖W + s γ ΔW‖ · (W + s γ ΔW). The scale is within
/// the norm, as in peft, so that a DoRA at scale 0 still sets norms.
///
/// - Reference: Hu et al., LoRA, ICLR 2022; Hyeon-Woo et al., FedPara, ICLR 2022; Yeh et al., Navigating
///   Text-To-Image Customization, ICLR 2024 (LyCORIS: LoHa, LoKr, Tucker's cores); Liu et al., DoRA, ICML 2024;
///   KohakuBlueleaf/LyCORIS `lycoris/modules`; peft `tuners/lora/dora.py`.
struct LoRAChange: Sendable {
  let source: LoRAFile
  let module: LoRAFile.Module
  /// Whether the parameter is the module's bias and not its weight.
  let isBias: Bool

  /// The parameter with the change.
  ///
  /// - Parameter name: the parameter's, for messages.
  /// - Throws: `FileError` for factors whose product has another shape, or which are not finite.
  func applied(to parameter: Tensor, _ name: String) throws -> Tensor {
    if isBias { return try biasChanged(parameter, name) }
    let shape = parameter.shape
    var changed = parameter
    for delta in try differences(shape, name) {
      changed = changed + delta.affine(scale: Float(source.scale * module.scalar))
    }
    guard let magnitude = try tensor(.magnitude) else { return changed }
    return try decomposed(changed, magnitude, name)
  }

  // MARK: Kinds of change

  /// Every ΔW of the module, α included, in the weight's shape.
  private func differences(_ shape: [Int], _ name: String) throws -> [Tensor] {
    try [
      difference(shape, name), lowRank(shape, name), hadamard(shape, name), kronecker(shape, name),
    ].compactMap(\.self)
  }

  private func difference(_ shape: [Int], _ name: String) throws -> Tensor? {
    guard let difference = try tensor(.difference) else { return nil }
    guard difference.hasShape(shape) else { throw misfit([difference], shape, name) }
    return difference.reshaped(shape)
  }

  private func lowRank(_ shape: [Int], _ name: String) throws -> Tensor? {
    guard let down = try tensor(.down), let up = try tensor(.up) else { return nil }
    let middle = try tensor(.middle)
    let rank = down.shape.first ?? 0
    let inner = middle.map { $0.shape.first ?? 0 } ?? rank
    let fits =
      rank > 0 && inner > 0 && shape.count >= 2 && up.hasShape([shape[0], inner])
      && (middle.map {
        $0.hasShape([inner, rank] + shape.dropFirst(2)) && down.hasShape([rank, shape[1]])
      } ?? down.hasShape([rank] + shape.dropFirst()))
    guard fits else { throw misfit([down, middle, up].compactMap(\.self), shape, name) }
    let right =
      middle.map { Self.through($0, down, inner) } ?? down.reshaped([rank, down.count / rank])
    let product = Self.product(up.reshaped([shape[0], inner]), right)
    return product.reshaped(shape).affine(scale: Float(scaling(rank)))
  }

  private func hadamard(_ shape: [Int], _ name: String) throws -> Tensor? {
    guard let a1 = try tensor(.hadamard1A), let b1 = try tensor(.hadamard1B),
      let a2 = try tensor(.hadamard2A), let b2 = try tensor(.hadamard2B)
    else { return nil }
    let cores = try (tensor(.hadamard1Core), tensor(.hadamard2Core))
    let rank = b1.shape.first ?? 0
    let factors = try [(a1, b1, cores.0), (a2, b2, cores.1)].map { outer, inner, core in
      guard rank > 0, let product = Self.factor(outer, inner, core, shape, rank) else {
        throw misfit([outer, core, inner].compactMap(\.self), shape, name)
      }
      return product
    }
    return (factors[0] * factors[1]).reshaped(shape).affine(scale: Float(scaling(rank)))
  }

  /// One of LoHa's two factors, `[out, in · kernel]`: `[out, rank]` times `[rank, in · kernel]`, or through a
  /// core `[rank, rank, kernel…]` the transposed `[rank, out]` and `[rank, in]`.
  private static func factor(
    _ outer: Tensor, _ inner: Tensor, _ core: Tensor?, _ shape: [Int], _ rank: Int
  ) -> Tensor? {
    let width = shape.dropFirst().reduce(1, *)
    guard let core else {
      guard outer.shape == [shape[0], rank], inner.hasShape([rank, width]) else { return nil }
      return product(outer, inner.reshaped([rank, width]))
    }
    guard shape.count >= 2, core.hasShape([rank, rank] + shape.dropFirst(2)),
      outer.shape == [rank, shape[0]], inner.shape == [rank, shape[1]]
    else { return nil }
    return product(outer.transposed, through(core, inner, rank))
  }

  private func kronecker(_ shape: [Int], _ name: String) throws -> Tensor? {
    guard module.tensors[.kronecker1] ?? module.tensors[.kronecker1A] != nil else { return nil }
    var rank: Int?
    var parts: [Tensor] = []
    func whole(_ role: LoRARole, _ a: LoRARole, _ b: LoRARole, _ core: LoRARole?) throws -> Tensor {
      if let tensor = try tensor(role) {
        parts.append(tensor)
        guard tensor.rank >= 2, tensor.count > 0 else { throw misfit(parts, shape, name) }
        return tensor.reshaped([tensor.shape[0], tensor.count / tensor.shape[0]])
      }
      guard let left = try tensor(a), let right = try tensor(b) else {
        bug("a LoKr without a factor: \(module.key)")
      }
      let core = try core.flatMap { try tensor($0) }
      parts += [left, core, right].compactMap(\.self)
      let inner = right.shape.first ?? 0
      rank = inner
      guard left.count > 0, right.count > 0, right.rank >= 2, left.rank == 2 else {
        throw misfit(parts, shape, name)
      }
      guard let core else {
        guard left.shape[1] == inner else { throw misfit(parts, shape, name) }
        return Self.product(left, right.reshaped([inner, right.count / inner]))
      }
      guard core.hasShape([inner, inner] + shape.dropFirst(2)), left.shape[0] == inner,
        right.rank == 2
      else { throw misfit(parts, shape, name) }
      return Self.product(left.transposed, Self.through(core, right, inner))
    }
    let first = try whole(.kronecker1, .kronecker1A, .kronecker1B, nil)
    let second = try whole(.kronecker2, .kronecker2A, .kronecker2B, .kronecker2Core)
    let columns = shape.dropFirst().reduce(1, *)
    guard !shape.isEmpty, first.shape[0] * second.shape[0] == shape[0],
      first.shape[1] * second.shape[1] == columns, columns > 0
    else { throw misfit(parts, shape, name) }
    let product = Self.kronecker(first, second).reshaped(shape)
    // With both factors whole there is no rank, and alpha means nothing.
    return rank.map { product.affine(scale: Float(scaling($0))) } ?? product
  }

  private func biasChanged(_ bias: Tensor, _ name: String) throws -> Tensor {
    var changed = bias
    if let difference = try tensor(.biasDifference) {
      guard difference.hasShape(bias.shape) else { throw misfit([difference], bias.shape, name) }
      let scale = Float(source.scale * module.scalar)
      changed = changed + difference.reshaped(bias.shape).affine(scale: scale)
    }
    if let offset = try tensor(.upBias) {
      let rank = try tensor(.down)?.shape.first ?? 0
      guard offset.shape == bias.shape, rank > 0 else { throw misfit([offset], bias.shape, name) }
      changed = changed + offset.affine(scale: Float(source.scale * scaling(rank)))
    }
    return changed
  }

  /// DoRA: each row, or each column, with the norm that was learned for it.
  private func decomposed(_ weight: Tensor, _ magnitude: Tensor, _ name: String) throws -> Tensor {
    let shape = weight.shape
    let isOfRows =
      magnitude.count == shape[0]
      && (magnitude.shape.first == shape[0]
        || (module.tensors[.magnitude] ?? "").contains("lora_magnitude_vector"))
    let isOfColumns = shape.count > 1 && magnitude.count == shape[1] && magnitude.shape.first == 1
    guard isOfRows || isOfColumns else { throw misfit([magnitude], shape, name) }
    let kernel = shape.dropFirst(2).reduce(1, *)
    let inputs = weight.count / shape[0] / kernel
    /// The row or the column of an element.
    func line(_ index: Int) -> Int {
      isOfRows ? index / (inputs * kernel) : index / kernel % inputs
    }
    let values = weight.values
    var squares = [Double](repeating: 0, count: magnitude.count)
    for (index, value) in values.enumerated() {
      squares[line(index)] += Double(value) * Double(value)
    }
    let factors = zip(magnitude.values, squares).map { Double($0) / $1.squareRoot() }
    guard factors.allSatisfy(\.isFinite) else {
      throw FileError(
        .malformed, path: source.file.path, subject: FileError.printable(module.key),
        reason: "DoRA divides by the norm of a row of zeros of \(name)")
    }
    return Tensor(
      values.enumerated().map { Float(Double($1) * factors[line($0)]) }, shape: shape)
  }

  // MARK: Parts

  /// What a product of factors of this rank is multiplied with, the file's scale aside.
  private func scaling(_ rank: Int) -> Double {
    let alpha = module.alpha ?? Double(rank)
    return alpha / (module.isRankStabilized ? Double(rank).squareRoot() : Double(rank))
  }

  private static func product(_ left: Tensor, _ right: Tensor) -> Tensor {
    left.linear(Weight(right.transposed), nil)
  }

  /// `core · right` as one factor: `[inner, in · kernel]` of `[inner, rank, kernel…]` and `[rank, in]`.
  private static func through(_ core: Tensor, _ right: Tensor, _ inner: Int) -> Tensor {
    let rank = right.shape[0]
    let input = right.count / rank
    let kernel = core.count / (inner * rank)
    let cells = core.reshaped([inner, rank, kernel]).transposed.reshaped([inner * kernel, rank])
    return product(cells, right.reshaped([rank, input]))
      .reshaped([inner, kernel, input]).transposed.reshaped([inner, input * kernel])
  }

  /// Every element of the first times the whole second, in its place.
  private static func kronecker(_ first: Tensor, _ second: Tensor) -> Tensor {
    let (rows, columns) = (second.shape[0], second.shape[1])
    let (outer, inner) = (first.values, second.values)
    let width = first.shape[1] * columns
    var values = [Float](repeating: 0, count: first.count * second.count)
    for row in 0..<first.shape[0] * rows {
      for column in 0..<width {
        values[row * width + column] =
          outer[row / rows * first.shape[1] + column / columns]
          * inner[row % rows * columns + column % columns]
      }
    }
    return Tensor(values, shape: [first.shape[0] * rows, width])
  }

  private func tensor(_ role: LoRARole) throws -> Tensor? {
    guard let name = module.tensors[role] else { return nil }
    let tensor = try source.file.tensor(name)
    guard tensor.isFinite else {
      throw FileError(
        .malformed, path: source.file.path, subject: FileError.printable(name),
        reason: "expected finite numbers, got NaN or infinity")
    }
    return tensor
  }

  private func misfit(_ tensors: [Tensor], _ shape: [Int], _ name: String) -> FileError {
    let shapes = tensors.map(\.shape.description).joined(separator: " and ")
    return FileError(
      .malformed, path: source.file.path, subject: FileError.printable(module.key),
      reason:
        "factors of \(shapes) do not multiply to \(shape), the shape of \(name): the LoRA is for a "
        + "checkpoint of other widths")
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
