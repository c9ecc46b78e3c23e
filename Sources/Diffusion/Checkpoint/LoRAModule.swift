internal import TensorEngine

// MARK: - What a module has

extension LoRAFile.Module {
  /// Whether it reads the text: the keys or values of cross-attention.
  var isOfText: Bool { name.hasSuffix("attn2_to_k") || name.hasSuffix("attn2_to_v") }

  private func has(_ roles: LoRARole...) -> Bool {
    roles.contains { tensors[$0] != nil }
  }

  /// Whether it changes the weight, and whether it changes the bias.
  var changesWeight: Bool {
    has(.down, .up, .difference, .hadamard1A, .kronecker1, .kronecker1A, .magnitude)
  }
  var changesBias: Bool { has(.upBias, .biasDifference) }

  /// What is wrong when factors are missing; `nil` for a module that is whole.
  var lacking: String? {
    func pair(_ one: LoRARole, _ other: LoRARole) -> Bool { has(one) == has(other) }
    let isLowRank = has(.down, .up, .middle, .upBias)
    if isLowRank, !has(.down) || !has(.up) {
      return "expected both factors of a LoRA, got "
        + (has(.down) ? "down" : has(.up) ? "up" : "none")
    }
    let hadamard: [LoRARole] = [.hadamard1A, .hadamard1B, .hadamard2A, .hadamard2B]
    let isHadamard = (hadamard + [.hadamard1Core, .hadamard2Core]).contains { has($0) }
    if isHadamard, !hadamard.allSatisfy({ has($0) }) || !pair(.hadamard1Core, .hadamard2Core) {
      return "expected all factors of a LoHa, got \(hadamard.count { has($0) }) of 4"
    }
    func isWhole(_ whole: LoRARole, _ a: LoRARole, _ b: LoRARole) -> Bool {
      has(whole) != has(a) && pair(a, b)
    }
    let isKronecker = has(
      .kronecker1, .kronecker1A, .kronecker1B, .kronecker2, .kronecker2A, .kronecker2B,
      .kronecker2Core)
    if isKronecker,
      !isWhole(.kronecker1, .kronecker1A, .kronecker1B)
        || !isWhole(.kronecker2, .kronecker2A, .kronecker2B)
    {
      return "expected both factors of a LoKr, each whole or as two"
    }
    let isAny =
      isLowRank || isHadamard || isKronecker || has(.difference, .biasDifference, .magnitude)
    return isAny ? nil : "expected both factors of a LoRA, got none"
  }

  /// The extent of the module's input, as its factors have it; `nil` where they do not tell.
  func inputWidth(in file: SafetensorsFile) -> Int? {
    func extent(_ role: LoRARole) -> Int? {
      let shape = tensors[role].flatMap { file.entry($0)?.shape } ?? []
      return shape.count > 1 ? shape[1] : nil
    }
    if let width = extent(.down) ?? extent(.difference) ?? extent(.hadamard1B) { return width }
    guard let outer = extent(.kronecker1) ?? extent(.kronecker1B),
      let inner = extent(.kronecker2) ?? extent(.kronecker2B)
    else { return nil }
    let (width, overflow) = outer.multipliedReportingOverflow(by: inner)
    return overflow ? nil : width
  }
}
