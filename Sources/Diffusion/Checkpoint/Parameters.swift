package import TensorEngine

/// The tensors of one part's weight files, and which of them a model has asked for.
///
/// Not `Sendable`: a model is built on one thread, and afterwards only its tensors live on.
package final class Parameters {
  /// Where a parameter's numbers are.
  struct Place {
    let file: SafetensorsFile
    /// The tensor's name in the file.
    let name: String
    var form = OriginalNames.Form.whole
  }

  /// Every parameter's name, as diffusers calls it.
  let names: [String]
  private let files: [String]
  private let places: [String: Place]
  /// What the files call a parameter that is not there; `nil` where they call it as diffusers does.
  private let original: OriginalNames?
  private let updates: LoRAUpdates
  private let precision: WeightPrecision?
  /// Whether numbers are read; otherwise a network only says which tensors it needs.
  private let reads: Bool
  private var random: RandomWeights?
  private var used: Set<String> = []
  private var missing: [String] = []
  private var mismatched: [String] = []

  /// Reads the names of all `files`, which are diffusers'.
  /// - Throws: `FileError` when two of them hold a tensor of one name.
  package convenience init(_ files: [SafetensorsFile]) throws {
    try self.init(files, original: nil, updates: LoRAUpdates())
  }

  /// Reads the names of all `files`, which `original` translates.
  /// - Throws: `FileError` when two of them hold a tensor of one name.
  package convenience init(_ files: [SafetensorsFile], original: OriginalNames) throws {
    try self.init(files, original: original, updates: LoRAUpdates())
  }

  /// Reads the names of all `files`.
  ///
  /// - Parameters:
  ///   - original: the part's names, if the file is one of all parts in the original layout.
  ///   - updates: what is added to weights as they are read.
  ///   - precision: what weights are kept in; `nil` for what they are in their files.
  ///   - reads: whether numbers are read; otherwise every tensor is empty, and the networks made of them
  ///     only tell what they need.
  /// - Throws: `FileError` when two files hold a tensor of one name.
  init(
    _ files: [SafetensorsFile], original: OriginalNames?, updates: LoRAUpdates = LoRAUpdates(),
    precision: WeightPrecision? = nil, reads: Bool = true
  ) throws {
    var (names, places): ([String], [String: Place]) = ([], [:])
    for file in files {
      for stored in file.names {
        for (name, form) in Self.parameters(stored, original) {
          if let other = places.updateValue(
            Place(file: file, name: stored, form: form), forKey: name)
          {
            throw FileError(
              .malformed, path: file.path, subject: FileError.printable(name),
              reason: "the tensor is in \(other.file.path), too")
          }
          names.append(name)
        }
      }
    }
    self.files = files.map(\.path)
    (self.names, self.places, self.original, self.updates) = (names, places, original, updates)
    (self.precision, self.reads) = (precision, reads)
  }

  /// The parameters that a tensor of a file holds; one of the part that is unknown keeps its name.
  private static func parameters(
    _ stored: String, _ original: OriginalNames?
  ) -> [(name: String, form: OriginalNames.Form)] {
    guard let original else { return [(stored, .whole)] }
    guard stored.hasPrefix(original.prefix) else { return [] }
    let ours = original.ours(stored)
    return ours.isEmpty ? [(stored, .whole)] : ours
  }

  /// Draws whatever tensor is asked for.
  init(drawing random: RandomWeights) {
    (files, names, places, original, updates) = ([], [], [:], nil, LoRAUpdates())
    (self.random, precision, reads) = (random, nil, true)
  }

  /// What of the files that change weights was passed over, a line each.
  var notes: [String] { updates.notes }

  /// Whether the files have a parameter of this name.
  func has(_ name: String) -> Bool { places[name] != nil }

  /// The shape in which a parameter is stored; `nil` where there is none of that name.
  func storedShape(_ name: String) -> [Int]? {
    places[name].flatMap { $0.file.entry($0.name)?.shape }
  }

  /// The tensor `name`, or an empty one that ``finish()`` keeps from ever being used.
  /// - Throws: `FileError` for a tensor of a type that is not read, or for a LoRA of another shape.
  package func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
    if let random { return random.tensor(name, shape) }
    guard let (file, entry) = find(name, shape), reads else { return Tensor([], shape: [0]) }
    return try updates.applied(to: try read(name, file, entry), name)
  }

  /// The weight `name` in the precision asked for, otherwise as its file keeps it, or in float32
  /// where something is added to it or it has a scale; see ``tensor(_:_:)``.
  func weight(_ name: String, _ shape: [Int]) throws -> Weight {
    if let random { return random.weight(name, shape) }
    guard let (file, entry) = find(name, shape), reads else {
      return Weight(Tensor([], shape: [0]))
    }
    let isChanged =
      updates.changes(name) || WeightScale(of: entry, in: file) != nil
      || places[name]?.form == .transposed
    let isNarrow = entry.type.bits <= 16
    if !isChanged, isNarrow ? precision != .float32 : precision != .float16 {
      return try file.weight(entry)
    }
    let tensor = try updates.applied(to: try read(name, file, entry), name)
    return precision == .float16 ? Weight(rounding: tensor) : Weight(tensor)
  }

  /// A parameter's numbers, times the scale that a file of 8-bit floats keeps beside them.
  private func read(
    _ name: String, _ file: SafetensorsFile, _ entry: SafetensorsFile.Entry
  ) throws -> Tensor {
    var tensor = try file.tensor(entry)
    if let scale = WeightScale(of: entry, in: file) { tensor = try scale.applied(to: tensor) }
    guard places[name]?.form == .transposed else { return tensor }
    let sides = tensor.shape
    return tensor.reshaped([1] + sides).transposed.reshaped(sides.reversed())
  }

  /// Where a parameter's numbers are, in the parameter's shape; what is wrong is noted.
  private func find(
    _ name: String, _ shape: [Int]
  ) -> (SafetensorsFile, SafetensorsFile.Entry)? {
    guard let place = places[name], let entry = place.file.entry(place.name) else {
      Self.note(original?.original(name)?.name ?? name, in: &missing)
      return nil
    }
    used.insert(name)
    // Types of less than a byte cannot be cut; reading such a tensor says that it is not read.
    guard entry.type.bits % 8 == 0 else { return (place.file, entry) }
    let count = shape.reduce(1, *)
    switch place.form {
    case .whole where entry.shape == shape: return (place.file, entry)
    case .kernel where entry.shape.starts(with: shape) && entry.count == count:
      return (place.file, entry.part(0..<count, shape: shape))
    case .transposed where entry.shape == shape.reversed(): return (place.file, entry)
    case .third(let index) where entry.shape == [3 * shape[0]] + shape.dropFirst():
      return (place.file, entry.part(index * count..<(index + 1) * count, shape: shape))
    default:
      Self.note(
        "\(place.name) \(entry.shape) instead of \(place.form.stored(shape))", in: &mismatched)
      return nil
    }
  }

  /// Adds what is wrong with a tensor once: a fused one is one, however many parameters it holds.
  private static func note(_ what: String, in list: inout [String]) {
    if !list.contains(what) { list.append(what) }
  }

  /// Ends loading: every tensor that was asked for was there, in its shape.
  ///
  /// - Returns: the names in the files of tensors that nothing asked for, each once: the model is complete
  ///   without them.
  /// - Throws: ``DiffusionError/parameters(file:missing:unused:mismatched:)`` with all that is wrong, and
  ///   with what was not asked for, since it may be what is missing under another name.
  @discardableResult
  package func finish() throws -> [String] {
    let scales = Set(
      used.compactMap { places[$0] }.compactMap { place in
        place.file.entry(place.name).flatMap { WeightScale(of: $0, in: place.file)?.name }
      })
    var unused: [String] = []
    for name in names where !used.contains(name) {
      let stored = places[name]?.name ?? name
      // A fused tensor is one, however many parameters it holds.
      if unused.last != stored, !scales.contains(stored) { unused.append(stored) }
    }
    guard missing.isEmpty, mismatched.isEmpty else {
      throw DiffusionError.parameters(
        file: files.joined(separator: ", "), missing: missing, unused: unused,
        mismatched: mismatched)
    }
    return unused
  }
}

extension OriginalNames.Form {
  /// The shape in which a parameter of `shape` stands in the file.
  fileprivate func stored(_ shape: [Int]) -> [Int] {
    switch self {
    case .whole: shape
    case .kernel: shape + [1, 1]
    case .third: [3 * shape[0]] + shape.dropFirst()
    case .transposed: shape.reversed()
    }
  }
}
