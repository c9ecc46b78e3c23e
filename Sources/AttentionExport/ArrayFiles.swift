internal import AttentionAnalysis
internal import AttentionTrace
internal import Foundation
internal import Synchronization
internal import TensorEngine

// Unsafe: bytes are lent to a sink for the length of its call, which copies or hashes them and
// keeps no pointer.

/// Arrays on their way into files of a folder, in any format.
struct ArrayFiles {
  /// Coordinates stand behind the maps.
  let arrays: [ExportedArray]
  /// The calls along the axis of calls, by run; `nil` without one.
  let calls: [[CallRecord]]?
  let attributes: ExportAttributes
  let folder: ExportFolder
  /// Whether a store or a file is all that is written, not one part of a folder.
  let isAlone: Bool

  /// Writes all arrays in `format`.
  /// - Returns: Where each array is, by name.
  func write(_ format: ExportFormat) throws -> [String: String] {
    switch format {
    case .npy: try writeNumpy()
    case .npz: try writeArchive()
    case .safetensors: try writeSafetensors()
    case .zarr: try writeStore(isAlone ? "" : "arrays/arrays.zarr/", write3, writeGroup3)
    case .zarr2: try writeStore(isAlone ? "" : "arrays/arrays.v2.zarr/", write2, writeGroup2)
    case .netcdf: try writeNetCDF()
    case .csv: try writeTables()
    }
  }

  /// Bytes that the arrays take in `format`, about.
  func size(_ format: ExportFormat) -> Int {
    switch format {
    case .csv:
      arrays.filter { $0.kind == .maps }.reduce(0) { $0 + LongTable($1, calls).estimate }
    case .netcdf: NetCDFFile(arrays, attributes.texts).bytes
    case .npy, .npz, .safetensors, .zarr, .zarr2: arrays.reduce(0) { $0 + $1.bytes }
    }
  }

  /// The path of the one file that has all arrays.
  func single(_ ending: String) -> String { "\(isAlone ? "" : "arrays/")arrays.\(ending)" }

  /// Does `body` for each array, as many at a time as there are threads.
  private func each(_ arrays: [ExportedArray], _ body: (ExportedArray) throws -> Void) throws {
    let failure = Mutex<(any Error)?>(nil)
    Parallel.sideBySide(arrays.count, atATime: arrays.count) { index in
      guard failure.withLock({ $0 == nil }) else { return }
      do { try body(arrays[index]) } catch { failure.withLock { $0 = $0 ?? error } }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  private func places(_ place: (ExportedArray) -> String) -> [String: String] {
    Dictionary(uniqueKeysWithValues: arrays.map { ($0.name, place($0)) })
  }

  // MARK: - NumPy and safetensors

  private func writeNumpy() throws -> [String: String] {
    try each(arrays) { array in
      try unsafe folder.write(
        "arrays/\(array.name).npy", "application/x-npy", unsafe array.writeNumpy)
    }
    return places { "arrays/\($0.name).npy" }
  }

  private func writeArchive() throws -> [String: String] {
    let file = single("npz")
    try folder.writeZip(
      file, arrays.map { unsafe StoredZip.Member(name: $0.name + ".npy", content: $0.writeNumpy) })
    return places { _ in file }
  }

  /// Texts, which the format has only as metadata, are JSON there, by the name of their array.
  private func writeSafetensors() throws -> [String: String] {
    var metadata = attributes.texts
    var payloads: [(name: String, payload: SafetensorsWriter.Payload)] = []
    for array in arrays {
      metadata["dimensions." + array.name] = array.axes.map(\.name).joined(separator: " ")
      if let texts = array.texts {
        metadata[array.name] = String(decoding: try JSONEncoder().encode(texts), as: UTF8.self)
      } else if let type = array.type.safetensors {
        unsafe payloads.append(
          (array.name, .stream(type, shape: array.shape, content: array.write(to:))))
      }
    }
    let file = single("safetensors")
    try unsafe folder.write(file, "application/x-safetensors") { sink in
      try unsafe SafetensorsWriter.write(payloads, metadata: metadata, to: unsafe sink)
    }
    return Dictionary(uniqueKeysWithValues: payloads.map { ($0.name, file) })
  }

  // MARK: - NetCDF

  private func writeNetCDF() throws -> [String: String] {
    let file = single("nc")
    try unsafe folder.write(
      file, "application/x-netcdf", unsafe NetCDFFile(arrays, attributes.texts).write)
    return places { _ in file }
  }

  // MARK: - Zarr

  /// - Parameter store: The store's path with a slash, or nothing where the folder is the store.
  private func writeStore(
    _ store: String, _ write: (ExportedArray, String) throws -> Void,
    _ writeGroup: (String) throws -> Void
  ) throws -> [String: String] {
    try each(arrays) { try write($0, store + $0.name) }
    try writeGroup(store)
    return places { store + $0.name }
  }

  private func write3(_ array: ExportedArray, _ path: String) throws {
    try folder.writeJSON("\(path)/zarr.json", array.description3)
    try array.eachChunk { name, block in
      try unsafe folder.write("\(path)/c.\(name)", "application/octet-stream") { sink in
        var checksum: UInt32 = 0
        let summed: ByteSink = { bytes in
          checksum = unsafe crc32c(bytes, after: checksum)
          try unsafe sink(bytes)
        }
        if let texts = array.texts {
          try unsafe Self.variableLength(texts).withUnsafeBytes(summed)
        } else {
          try unsafe array.write(block: block, to: summed)
        }
        try unsafe withUnsafeBytes(of: checksum.littleEndian, sink)
      }
    }
  }

  /// Texts by the codec `vlen-utf8`: how many there are, then the length and the bytes of each.
  private static func variableLength(_ texts: [String]) -> [UInt8] {
    func bytes(_ count: Int) -> [UInt8] {
      (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    }
    return bytes(texts.count) + texts.flatMap { bytes($0.utf8.count) + Array($0.utf8) }
  }

  private func writeGroup3(_ store: String) throws {
    try folder.writeJSON(
      "\(store)zarr.json",
      ZarrGroup(
        attributes: attributes,
        arrays: Dictionary(uniqueKeysWithValues: arrays.map { ($0.name, $0.description3) })))
  }

  private func write2(_ array: ExportedArray, _ path: String) throws {
    try folder.writeJSON("\(path)/.zarray", array.description2)
    try folder.writeJSON("\(path)/.zattrs", array.attributes2)
    try array.eachChunk { name, block in
      try unsafe folder.write("\(path)/\(name)", "application/octet-stream") { sink in
        try unsafe array.write(block: block, to: sink)
      }
    }
  }

  private func writeGroup2(_ store: String) throws {
    var documents: [String: Zarr2Document] = [
      ".zgroup": .group(Zarr2Group()), ".zattrs": .attributes(attributes),
    ]
    try folder.writeJSON("\(store).zgroup", Zarr2Group())
    try folder.writeJSON("\(store).zattrs", attributes)
    for array in arrays {
      documents[array.name + "/.zarray"] = .array(array.description2)
      documents[array.name + "/.zattrs"] = .arrayAttributes(array.attributes2)
    }
    try folder.writeJSON("\(store).zmetadata", Zarr2Consolidated(metadata: documents))
  }

  // MARK: - CSV

  private func writeTables() throws -> [String: String] {
    let maps = arrays.filter { $0.kind == .maps }
    try each(maps) { array in
      try unsafe folder.write(
        "arrays/\(array.name).csv", "text/csv", unsafe LongTable(array, calls).write)
    }
    return Dictionary(uniqueKeysWithValues: maps.map { ($0.name, "arrays/\($0.name).csv") })
  }
}

extension ExportedArray {
  /// Gives the bytes of an `.npy` file to `sink`.
  fileprivate func writeNumpy(to sink: ByteSink) throws {
    try unsafe NumpyFile.header(description: type.numpy, shape: shape).withUnsafeBytes(sink)
    try unsafe write(to: sink)
  }

  /// Calls `body` with the name and the block of each chunk that is there: a block is a chunk.
  fileprivate func eachChunk(_ body: (String, Int) throws -> Void) throws {
    for block in 0..<blocks where !missing.contains(block) {
      var places = [Int](repeating: 0, count: shape.count)
      var rest = block
      for axis in (0..<outer).reversed() {
        (rest, places[axis]) = rest.quotientAndRemainder(dividingBy: shape[axis])
      }
      try body(places.map(String.init).joined(separator: "."), block)
    }
  }

  fileprivate var description3: ZarrArray {
    ZarrArray(
      shape: shape, chunk: blockShape, type: type.zarr, dimensions: axes.map(\.name),
      attributes: attributes)
  }

  fileprivate var description2: Zarr2Array {
    Zarr2Array(shape: shape, chunks: blockShape, dtype: type.numpy, isFloat: type.isFloat)
  }

  fileprivate var attributes2: Zarr2Attributes {
    Zarr2Attributes(dimensions: axes.map(\.name), attributes: attributes)
  }
}

extension ExportFolder {
  /// Writes a JSON document: keys sorted, one a line.
  func writeJSON(_ name: String, _ document: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let text = String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
    try write(name, "application/json", text)
  }
}
