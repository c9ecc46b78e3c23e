/// What a tensor of a LoRA file is to its module.
///
/// Shapes are those of a weight `[out, in, kernel…]`.
enum LoRARole: Sendable, Hashable, CaseIterable {
  /// LoRA's factors `[rank, in, kernel…]` and `[out, rank, …]`, and Tucker's core between them.
  case down, up, middle
  /// What is added to the bias, scaled as the product of the factors.
  case upBias
  /// One number each.
  case alpha, scalar
  /// DoRA's norms of rows, `[out]`, or of columns, `[1, in]`.
  case magnitude
  /// Full differences of the weight and of the bias.
  case difference, biasDifference
  /// LoHa's two pairs of factors, and Tucker's cores of both.
  case hadamard1A, hadamard1B, hadamard2A, hadamard2B, hadamard1Core, hadamard2Core
  /// LoKr's two factors, each whole or as a product, and Tucker's core of the second.
  case kronecker1, kronecker1A, kronecker1B, kronecker2, kronecker2A, kronecker2B, kronecker2Core

  /// The name, which stands between points in that of the tensor.
  private static let names: [String: LoRARole] = [
    "lora_A": .down, "lora_B": .up, "lora_down": .down, "lora_up": .up, "lora_mid": .middle,
    "alpha": .alpha, "scalar": .scalar, "dora_scale": .magnitude,
    "lora_magnitude_vector": .magnitude, "diff": .difference, "diff_b": .biasDifference,
    "w_norm": .difference, "b_norm": .biasDifference, "hada_w1_a": .hadamard1A,
    "hada_w1_b": .hadamard1B, "hada_w2_a": .hadamard2A, "hada_w2_b": .hadamard2B,
    "hada_t1": .hadamard1Core, "hada_t2": .hadamard2Core, "lokr_w1": .kronecker1,
    "lokr_w1_a": .kronecker1A, "lokr_w1_b": .kronecker1B, "lokr_w2": .kronecker2,
    "lokr_w2_a": .kronecker2A, "lokr_w2_b": .kronecker2B, "lokr_t2": .kronecker2Core,
  ]

  /// How tensors' names end in diffusers' own layouts, before it took over peft's.
  private static let endings: [(String, LoRARole)] = [
    (".lora_linear_layer.down.weight", .down), (".lora_linear_layer.up.weight", .up),
    (".lora_conv2d_layer.down.weight", .down), (".lora_conv2d_layer.up.weight", .up),
    (".lora.down.weight", .down), (".lora.up.weight", .up), ("_lora.down.weight", .down),
    ("_lora.up.weight", .up), (".lora_linear_layer.alpha", .alpha), (".lora.alpha", .alpha),
    ("_lora.alpha", .alpha),
  ]

  /// The module's key, the adapter's name and the role that a tensor's name holds; `nil` for another name.
  ///
  /// peft puts the adapter's name, which has no point, behind the role: `KEY.lora_A.ADAPTER.weight`.
  static func split(_ name: String) -> (key: String, adapter: String, role: LoRARole)? {
    for (ending, role) in endings where name.hasSuffix(ending) {
      return (String(name.dropLast(ending.count)), "", role)
    }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    for index in parts.indices.suffix(3).reversed() where index > 0 {
      guard let role = names[parts[index]] else { continue }
      var rest = Array(parts[(index + 1)...])
      let last = rest.last
      if last == "weight" || last == "bias" { rest.removeLast() }
      let key = parts[..<index].joined(separator: ".")
      guard rest.count <= 1, !key.isEmpty else { return nil }
      let adapter = rest.first ?? ""
      guard last == "bias" else { return (key, adapter, role) }
      return role == .up ? (key, adapter, .upBias) : nil
    }
    return nil
  }
}
