import Foundation
import TensorEngine
import TestSupport
import Testing

@Suite("Arrays of other programs")
struct StoredArrayTests {
  private static let shape = [2, 3, 4]

  private func contents(_ name: String) throws -> StoredArray.Contents {
    try StoredArray.contents(of: fixture("stored/\(name)"))
  }

  @Test(
    "Every array of numbers of a file is there by name, whatever the type, and the others are named",
    arguments: [
      ("whole.npy", [""], []), ("columns.npy", [""], []),
      ("plain.npz", ["double", "single", "half", "down/attn.0"], ["ids", "words"]),
      ("deflated.npz", ["double", "single", "half", "down/attn.0"], ["ids", "words"]),
      ("all.safetensors", ["brain", "double", "half", "single"], ["ids"]),
    ])
  func names(_ name: String, _ arrays: [String], _ others: [String]) throws {
    let contents = try contents(name)
    #expect(Set(contents.arrays.map(\.name)) == Set(arrays))
    #expect(Set(contents.others.map(\.name)) == Set(others))
    #expect(contents.arrays.filter(\.isHalf).map(\.name) == arrays.filter { $0 == "half" })
  }

  @Test(
    "Any part of an array has the numbers that stand there",
    arguments: ["whole.npy", "columns.npy", "plain.npz", "deflated.npz", "all.safetensors"])
  func parts(_ name: String) throws {
    for array in try contents(name).arrays {
      #expect(array.shape == Self.shape)
      func number(_ i: Int, _ j: Int, _ k: Int) -> Float { Float((i * 3 + j) * 4 + k) / 4 }
      let all = array.values(from: 0, extents: array.shape, strides: array.strides)
      #expect(all == (0..<24).map { Float($0) / 4 }, "\(name): \(array.name)")
      // The axes in another order, from the second place of one.
      let s = array.strides
      let turned = array.values(from: s[0] + s[2], extents: [3, 2], strides: [s[2], s[1]])
      let expected = (1...3).flatMap { k in (0...1).map { number(1, $0, k) } }
      #expect(turned == expected, "\(name): \(array.name)")
      // An axis that is not there has a stride of 0.
      #expect(array.values(from: s[1], extents: [1, 2], strides: [0, s[2]]) == [1, 1.25])
    }
  }

  @Test("An array of no number has none")
  func empty() throws {
    let array = try #require(
      StoredArray.contents(of: fixture("npy/f4-0.npy")).arrays.first)
    #expect(array.shape == [0])
    #expect(array.values(from: 0, extents: [0], strides: [1]).isEmpty)
  }

  @Test(
    "Extents of an array of no number may be any",
    arguments: [[0, 1 << 40, 1 << 40, 4], [0, Int.max, Int.max]])
  func emptyAndHuge(_ shape: [Int]) throws {
    let folder = try TemporaryFolder()
    let numpy = try folder.file(NumpyFile.header(type: .float32, shape: shape), name: "a.npy")
    let header = #"{"a":{"dtype":"F32","shape":\#(shape),"data_offsets":[0,0]}}"#
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
    let tensors = try folder.file(length + Array(header.utf8), name: "a.safetensors")
    for path in [numpy, tensors] {
      let array = try #require(StoredArray.contents(of: path).arrays.first)
      #expect(array.shape == shape && array.strides.count == shape.count)
      #expect(array.values(from: 0, extents: shape, strides: array.strides).isEmpty)
    }
  }

  @Test("A pickle is refused by its content, whatever it is called")
  func pickle() throws {
    let folder = try TemporaryFolder()
    let zipped = try bytes(ofFileAt: fixture("stored/weights.pt"))
    for (name, bytes) in [
      ("a.npz", zipped), ("b.npy", [0x80, 0x02, 0x63, 0x6E, 0x75, 0x6D, 0x70, 0x79]),
      ("c.safetensors", [0x80, 0x04, 0x95, 0x10, 0x00, 0x00, 0x00, 0x00, 0x7D]),
    ] {
      let path = folder.path + "/" + name
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let error = fileError { try StoredArray.contents(of: path) }
      #expect(error?.kind == .unsupported, "\(name)")
      #expect(error?.reason.contains("a pickle, which can run code") == true, "\(name)")
    }
  }

  @Test("A header of safetensors whose length begins as a pickle does is none")
  func notAPickle() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a.safetensors"
    var header = #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
    header += String(repeating: " ", count: 0x0380 - header.utf8.count)
    let bytes: [UInt8] = [0x80, 0x03, 0, 0, 0, 0, 0, 0] + Array(header.utf8) + [0, 0, 0x80, 0x3F]
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let array = try #require(StoredArray.contents(of: path).arrays.first)
    #expect(array.values(from: 0, extents: [1], strides: [1]) == [1])
  }

  @Test(
    "An archive that is damaged or cut off anywhere is refused, and never read wrongly",
    arguments: ["plain.npz", "deflated.npz"])
  func damage(_ name: String) throws {
    let whole = try bytes(ofFileAt: fixture("stored/\(name)"))
    let folder = try TemporaryFolder()
    let path = folder.path + "/a.npz"
    func refusal(_ bytes: [UInt8]) throws -> FileError? {
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      do {
        for array in try StoredArray.contents(of: path).arrays {
          let values = array.values(from: 0, extents: array.shape, strides: array.strides)
          #expect(values == (0..<24).map { Float($0) / 4 })
        }
        return nil
      } catch let error as FileError { return error }
    }
    for count in stride(from: 0, to: whole.count, by: 7) {
      #expect(try refusal(Array(whole[..<count])) != nil, "cut off at \(count)")
    }
    // What is changed is found, or changes none of the numbers: a date, a name, a permission.
    for place in stride(from: 0, to: whole.count, by: 5) {
      var changed = whole
      changed[place] ^= 0x41
      _ = try refusal(changed)
    }
  }

  @Test("A member that claims more than its bytes can hold is refused before it is made")
  func bomb() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a.npz"
    var archive = try bytes(ofFileAt: fixture("stored/deflated.npz"))
    let entry = try #require(
      archive.indices.dropLast(46).first {
        Array(archive[$0..<$0 + 4]) == [0x50, 0x4B, 1, 2]
      })
    archive.replaceSubrange(entry + 24..<entry + 28, with: [0xF0, 0xFF, 0xFF, 0x7F])
    try Data(archive).write(to: URL(fileURLWithPath: path))
    #expect(fileError { try StoredArray.contents(of: path) }?.kind == .malformed)
  }
}
