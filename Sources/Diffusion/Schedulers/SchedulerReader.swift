internal import TensorEngine

/// Reads a scheduler's configuration as the class that runs would take it.
///
/// A key that the file lacks, or that `_use_default_values` lists, has the class's default; keys of
/// other classes are passed over, but for the bounds of spaced noise levels.
///
/// - Reference: diffusers `configuration_utils.py`, `extract_init_dict`.
struct SchedulerReader {
  let kind: SchedulerKind
  private let file: String
  private var values: [String: JSONValue]
  /// Keys that the file states.
  private let stated: Set<String>

  /// Bounds that diffusers reads from whatever configuration is at hand.
  private static let hidden = ["sigma_min", "sigma_max"]

  init(
    _ json: JSONNode, _ kind: SchedulerKind, _ changes: SchedulerConfiguration.Changes
  ) throws {
    (self.kind, file) = (kind, json.file)
    values = kind.defaults
    let unstated = Set(try json.optionalMember("_use_default_values")?.strings() ?? [])
    var stated: Set<String> = []
    for (key, value) in try json.object() where !unstated.contains(key) {
      guard let usual = values[key] ?? (Self.hidden.contains(key) ? .null : nil) else { continue }
      stated.insert(key)
      switch (usual, value) {
      case (.bool, .null): values[key] = .bool(false)
      case (.null, _), (.bool, _): values[key] = value
      case (_, .null):
        throw JSONNode(value, file: json.file, place: json.place + "." + key).failure(
          "expected a value, got null")
      default: values[key] = value
      }
    }
    self.stated = stated
    try change(changes)
  }

  private mutating func change(_ changes: SchedulerConfiguration.Changes) throws {
    if changes.isPipeline {
      if has("steps_offset") { values["steps_offset"] = .integer(1) }
      if has("clip_sample") { values["clip_sample"] = .bool(false) }
    }
    if let prediction = changes.prediction {
      values["prediction_type"] = .string(prediction.rawValue)
    }
    if let spacing = changes.spacing {
      try require("timestep_spacing", "the spacing of timesteps", spacing.rawValue)
      values["timestep_spacing"] = .string(spacing.rawValue)
    }
    if let zero = changes.zeroTerminalSNR {
      try require("rescale_betas_zero_snr", "zero terminal SNR", String(zero))
      values["rescale_betas_zero_snr"] = .bool(zero)
    }
    if let sigmas = changes.sigmas {
      try require("use_karras_sigmas", "the spacing of noise levels", sigmas.rawValue)
      for spacing in SigmaSpacing.allCases {
        if let key = spacing.key, has(key) { values[key] = .bool(spacing == sigmas) }
      }
    }
    if let algorithm = kind.algorithm {
      values["algorithm_type"] = .string(algorithm.rawValue)
      // The form without a step to 0 ends at the least level, unless the file says otherwise.
      if algorithm.isOfNoise, !stated.contains("final_sigmas_type") {
        values["final_sigmas_type"] = .string(SchedulerConfiguration.FinalLevel.least.rawValue)
      }
    }
  }

  /// Refuses a change of a key that has no effect with the class.
  private func require(_ key: String, _ what: String, _ got: String) throws {
    let kinds = SchedulerKind.allCases.filter { kind in
      // The times of a distilled schedule are not spread.
      let isFixed = key == "timestep_spacing" && (kind == .lcm || kind == .tcd)
      return kind.defaults[key] != nil && !isFixed
    }
    guard !kinds.contains(kind) else { return }
    throw DiffusionError.invalidRequest(
      what: what, got: got,
      expected: "none with \(kind.rawValue); it is for "
        + kinds.map(\.rawValue).joined(separator: ", "))
  }

  /// Whether the class has a key.
  func has(_ key: String) -> Bool { values[key] != nil }

  /// Every key with its value.
  var texts: [String: String] { values.mapValues(\.text) }

  func member(_ key: String) -> JSONNode {
    JSONNode(values[key] ?? .null, file: file, place: "." + key)
  }

  func unsupported(_ key: String, _ supported: String) -> DiffusionError {
    .unsupported(path: file, key: key, value: member(key).value.text, supported: supported)
  }

  /// Refuses the keys that Heed does not compute where they are not at their defaults.
  func requireSupported() throws {
    for key in ["use_flow_sigmas"] where try bool(key) {
      throw unsupported(key, "schedules where it is false: Stable Diffusion is no flow")
    }
    for key in ["variance_type", "solver_p", "shift_terminal"] where member(key).value != .null {
      throw unsupported(key, "configurations where it is null")
    }
    if kind == .uniPC, try bool("use_dynamic_shifting") {
      throw unsupported("use_dynamic_shifting", "configurations where it is false")
    }
    let chosen = try [SigmaSpacing.karras, .exponential, .beta].compactMap(\.key).filter(bool)
    guard chosen.count <= 1 else {
      throw unsupported(
        chosen[0], "one spacing of noise levels, and \(chosen[1]) is true too")
    }
  }

  // MARK: Values

  /// `nil` where the class lacks the key, or its value is null.
  func optional<Value>(_ key: String, _ read: (String) throws -> Value) rethrows -> Value? {
    member(key).value == .null ? nil : try read(key)
  }

  func bool(_ key: String) throws -> Bool { try optional(key) { try member($0).bool() } ?? false }

  func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
    try optional(key) {
      let number = try member($0).integer()
      guard range.contains(number) else {
        throw member($0).failure(
          "expected \(range.lowerBound)…\(range.upperBound), got \(number)")
      }
      return number
    }
  }

  func number(_ key: String, in range: ClosedRange<Double>) throws -> Double {
    let number = try member(key).double()
    guard range.contains(number) else {
      throw member(key).failure(
        "expected \(range.lowerBound)…\(range.upperBound), got \(number)")
    }
    return number
  }

  /// A number above 0 that float32 holds.
  func positive(_ key: String) throws -> Float {
    let number = Float(try member(key).double())
    guard number > 0, number.isFinite else {
      throw member(key).failure("expected a number above 0, got \(number)")
    }
    return number
  }

  /// A number that may be infinite.
  func extended(_ key: String) throws -> Double? {
    try optional(key) {
      let number = try member($0).extendedDouble()
      guard !number.isNaN else { throw member($0).failure("expected a number, got NaN") }
      return number
    }
  }

  func choice<Value: RawRepresentable<String> & CaseIterable>(
    _ key: String, _ type: Value.Type
  ) throws -> Value? {
    guard let name = try oneOf(key, Value.allCases.map(\.rawValue)) else { return nil }
    return Value(rawValue: name)
  }

  func oneOf(_ key: String, _ names: [String]) throws -> String? {
    try optional(key) {
      let name = try member($0).string()
      guard names.contains(name) else {
        throw unsupported(key, names.joined(separator: ", "))
      }
      return name
    }
  }

  func sigmas() throws -> SigmaSpacing {
    // In diffusers' order, which decides where `use_lu_lambdas` is set too.
    try [SigmaSpacing.karras, .lu, .exponential, .beta].first { spacing in
      try spacing.key.map(bool) ?? false
    } ?? .trained
  }

  /// `deis`, of another class's files, stands for the default as in diffusers.
  func algorithm() throws -> DPMAlgorithm {
    let name = try oneOf("algorithm_type", DPMAlgorithm.allCases.map(\.rawValue) + ["deis"])
    return name.flatMap(DPMAlgorithm.init) ?? .clean
  }
}
