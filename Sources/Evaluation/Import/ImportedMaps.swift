package import AttentionTrace
internal import TensorEngine

// Unsafe: bytes are lent to a hash for the length of a call.

/// The attention maps in a file that another program saved, as layers of a run.
package struct ImportedMaps: Sendable {
  /// How a file's arrays are read.
  package struct Reading: Sendable {
    /// What the axes of each array are, from the outermost to the innermost.
    package var axes: [MapAxis]
    /// Names of the arrays that are maps; `nil` for all.
    package var arrays: [String]?
    /// What the layers are called, in their order; `nil` for the arrays' names, and for `layer_0`,
    /// `layer_1`, … along an axis of layers.
    package var layers: [String]?
    /// Grids by which pixels become rows and columns.
    package var grids: [Grid]

    /// Reads every array by `axes`.
    package init(
      axes: [MapAxis], arrays: [String]? = nil, layers: [String]? = nil, grids: [Grid] = []
    ) {
      (self.axes, self.arrays, self.layers, self.grids) = (axes, arrays, layers, grids)
    }
  }

  /// The most layers and the most steps: each layer of a step becomes a file.
  private static let (layerLimit, stepLimit) = (4_096, 10_000)

  let path: String
  private(set) var layers: [ImportedLayer]
  /// How many steps the file has maps of.
  let steps: Int
  /// How many tokens.
  let tokens: Int
  /// Names that were changed so that they can be names of files, and what was left out, a line each.
  private(set) var notes: [String] = []

  /// Opens the file at `path`.
  /// - Parameters:
  ///   - reading: how its arrays are read.
  ///   - picture: the picture's height and width, whose shape tells the grid of pixels; `nil` where it is
  ///     not known.
  /// - Throws: ``EvaluationError/axes(reason:)`` where the arrays do not have those axes, `FileError` where
  ///   the file cannot be read.
  package init(
    _ path: String, _ reading: Reading, picture: (height: Int, width: Int)? = nil
  ) throws {
    self.path = path
    let (arrays, leftOut) = try Self.arrays(in: path, reading)
    notes += leftOut
    var layers: [ImportedLayer] = []
    guard arrays.count <= Self.layerLimit else {
      throw EvaluationError.axes(
        reason:
          "\(path) has \(arrays.count) arrays; expected at most \(Self.layerLimit), each of them a layer: "
          + "choose some by --arrays")
    }
    for array in arrays {
      layers += try Self.layers(of: array, reading, picture: picture, path: path)
    }
    if reading.axes.contains(.layer), arrays.count > 1 {
      throw EvaluationError.axes(
        reason: "\(path) has \(arrays.count) arrays (\(Self.list(arrays.map(\.name)))), each "
          + "of them a layer: leave layer out, or choose one array by --arrays")
    }
    layers = try Self.named(layers, reading, path: path, notes: &notes)
    (self.layers, steps, tokens) = (layers, layers[0].steps, layers[0].tokens)
    for layer in layers.dropFirst() {
      for (what, here, there) in [
        ("steps", layer.steps, steps), ("tokens", layer.tokens, tokens),
        ("frames", layer.frames ?? 1, layers[0].frames ?? 1),
      ] where here != there {
        throw EvaluationError.axes(
          reason: "\(path): '\(layer.name)' has \(here) \(what), but '\(layers[0].name)' \(there)")
      }
    }
  }

  /// Reads the numbers that are deflated; until then only the arrays' headers have been read.
  /// - Throws: `FileError`: a damaged array.
  mutating func inflate() throws {
    var arrays: [String: StoredArray] = [:]
    for place in layers.indices {
      let array = layers[place].array
      let inflated = try arrays[array.name] ?? array.inflated()
      arrays[array.name] = inflated
      layers[place].array = inflated
    }
  }

  /// The arrays that are maps, and what was left out.
  private static func arrays(
    in path: String, _ reading: Reading
  ) throws -> (arrays: [StoredArray], notes: [String]) {
    let contents = try StoredArray.contents(of: path, inflating: false)
    let names = contents.arrays.map(\.name) + contents.others.map(\.name)
    var arrays = contents.arrays
    if let wanted = reading.arrays {
      for name in wanted {
        if let other = contents.others.first(where: { $0.name == name }) {
          throw FileError(
            .unsupported, path: path, subject: name,
            reason: "expected floating-point numbers: \(other.type)")
        }
        guard names.contains(name) else {
          throw EvaluationError.axes(
            reason: "\(path) has no array '\(name)'; there are: \(list(names))")
        }
      }
      arrays = wanted.compactMap { name in arrays.first { $0.name == name } }
    }
    guard !arrays.isEmpty else {
      throw FileError(
        .unsupported, path: path,
        reason: "expected an array of floating-point numbers, got "
          + (names.isEmpty
            ? "no array" : list(contents.others.map { "\($0.name) (\($0.type))" })))
    }
    let others = reading.arrays == nil ? contents.others : []
    return (arrays, others.map { "left out: \($0.name) (\($0.type))" })
  }

  /// The layers of one array: one, or as many as its axis of layers has places.
  private static func layers(
    of array: StoredArray, _ reading: Reading, picture: (height: Int, width: Int)?, path: String
  ) throws -> [ImportedLayer] {
    let axes = reading.axes
    let name = array.name.isEmpty ? path : "\(path): '\(array.name)'"
    guard array.shape.count == axes.count else {
      throw EvaluationError.axes(
        reason: "\(name) has \(array.shape.count) axes, of \(lengths(array.shape)), but "
          + "--axes names \(axes.count): \(axes.map(\.rawValue).joined(separator: ","))")
    }
    var extents: [MapAxis: ImportedLayer.Extent] = [:]
    for (place, axis) in axes.enumerated() {
      let extent = array.shape[place]
      guard extent > 0 else {
        throw EvaluationError.axes(
          reason: "\(name) is empty: its axes are of \(lengths(array.shape))")
      }
      guard axis != .single || extent == 1 else {
        throw EvaluationError.axes(
          reason: "\(name): axis \(place) has \(extent) places, and _ stands for an axis of 1")
      }
      extents[axis] = ImportedLayer.Extent(count: extent, stride: array.strides[place])
    }
    for (axis, most) in [(MapAxis.layer, layerLimit), (.step, stepLimit)] {
      guard let count = extents[axis]?.count, count > most else { continue }
      throw EvaluationError.axes(
        reason:
          "\(name) has \(count) \(axis.rawValue)s; expected at most \(most): is --axes right? Its axes "
          + "are of \(lengths(array.shape))")
    }
    let grid = try extents[.pixel].map {
      try Self.grid(of: $0.count, reading.grids, picture: picture, name: name)
    }
    guard let layer = extents[.layer] else {
      return [
        ImportedLayer(name: array.name, array: array, offset: 0, extents: extents, grid: grid)
      ]
    }
    return (0..<layer.count).map { place in
      ImportedLayer(
        name: "layer_\(place)", array: array, offset: place * layer.stride, extents: extents,
        grid: grid)
    }
  }

  /// The grid of so many pixels: one that was given, or else the one that has the picture's shape.
  private static func grid(
    of pixels: Int, _ grids: [Grid], picture: (height: Int, width: Int)?, name: String
  ) throws -> Grid {
    let fitting = grids.filter { $0.pixels == pixels }
    if let grid = fitting.first, fitting.count == 1 { return grid }
    if grids.isEmpty, let picture {
      let shape = Double(picture.height) / Double(picture.width)
      let rows = max(1, Int((Double(pixels) * shape).squareRoot().rounded()))
      let grid = Grid(rows: rows, columns: pixels / rows)
      if grid.pixels == pixels, rows * picture.width == grid.columns * picture.height {
        return grid
      }
    }
    throw EvaluationError.axes(
      reason: "\(name) has \(pixels) pixels; give their rows and columns, as in --grid 16x16")
  }

  /// Layers under the names that were given, and under names that can be those of files.
  private static func named(
    _ layers: [ImportedLayer], _ reading: Reading, path: String, notes: inout [String]
  ) throws -> [ImportedLayer] {
    if let names = reading.layers, names.count != layers.count {
      throw EvaluationError.axes(
        reason: "--layers has \(names.count) names, but \(path) has \(layers.count) layers")
    }
    var seen: Set<String> = []
    return try layers.enumerated().map { place, layer in
      let given = reading.layers?[place] ?? (layer.name.isEmpty ? "layer_0" : layer.name)
      let name = fileName(given)
      if name != given { notes.append("layer '\(given)' is called '\(name)'") }
      guard seen.insert(name.lowercased()).inserted else {
        throw EvaluationError.axes(
          reason: "\(path): two layers are called '\(name)'; give names by --layers")
      }
      return layer.named(name)
    }
  }

  /// A name with dots for slashes, `_` for what exports and stores cannot have in a name, and `_` behind one
  /// that stands for something else there.
  private static func fileName(_ name: String) -> String {
    let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    let text = String(name.map { $0 == "/" ? "." : allowed.contains($0) ? $0 : "_" }.prefix(200))
    let shown = text.hasPrefix(".") ? "_" + text : text
    return StoreLayout.isTaken(shown) ? shown + "_" : shown
  }

  private static func list(_ names: [String]) -> String {
    let most = 8
    return names.prefix(most).joined(separator: ", ")
      + (names.count > most ? " and \(names.count - most) more" : "")
  }

  private static func lengths(_ shape: [Int]) -> String {
    shape.map(String.init).joined(separator: " × ")
  }

  // MARK: - Numbers

  /// How numbers are kept: float16 where every array is, otherwise float32.
  var precision: RecordingPlan.Precision { layers.allSatisfy(\.isHalf) ? .float16 : .float32 }

  /// The grid of most layers; of equally many the smallest, where words are told apart best.
  var commonGrid: Grid {
    let counts = Dictionary(grouping: layers.map(\.grid)) { $0 }.mapValues(\.count)
    let best = counts.max { one, other in
      one.value == other.value ? one.key.pixels > other.key.pixels : one.value < other.value
    }
    return best?.key ?? layers[0].grid
  }

  /// The largest grid of a layer.
  var largestGrid: Grid { layers.map(\.grid).max { $0.pixels < $1.pixels } ?? layers[0].grid }

  /// The least and the greatest sum of a row over the tokens, and the SHA-256 of all that the run will hold,
  /// as ``RunManifest/Imported/maps`` says; every number is checked on the way.
  /// - Parameter check: called for each step and layer.
  /// - Throws: `FileError` with the place of a number that is negative, infinite or none; what `check`
  ///   throws.
  func survey(_ check: () throws -> Void) throws -> (sums: ClosedRange<Double>, sha256: String) {
    var (least, greatest) = (Double.infinity, -Double.infinity)
    let hash = SHA256()
    for layer in layers {
      let heading = "\(layer.name) \(steps) \(layer.extents.map(\.count))\n"
      unsafe Array(heading.utf8).withUnsafeBytes { unsafe hash.update($0) }
      for step in 0..<steps {
        try check()
        let values = layer.maps(step: step)
        unsafe values.withUnsafeBytes { unsafe hash.update($0) }
        if let place = values.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
          throw FileError(
            .malformed, path: path, subject: layer.name,
            reason: "step \(step), \(layer.place(of: place)) is \(values[place]); expected a "
              + "probability, which is neither negative nor infinite nor NaN")
        }
        for row in stride(from: 0, to: values.count, by: tokens) {
          var sum = 0.0
          for token in row..<row + tokens { sum += Double(values[token]) }
          (least, greatest) = (min(least, sum), max(greatest, sum))
        }
      }
    }
    return (least...greatest, hash.finish())
  }
}

extension ImportedLayer {
  /// The same under another name.
  fileprivate func named(_ name: String) -> ImportedLayer {
    var layer = self
    layer.name = name
    return layer
  }
}
