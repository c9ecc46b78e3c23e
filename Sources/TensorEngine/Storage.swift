internal import Glibc

// Unsafe: this is the owner of memory at an address, allocated here or mapped; the tensor that
// holds it bounds every access by its count.

/// The owner of a tensor's floats: memory of its own, or a view that keeps something else alive.
///
/// The pointer never changes after initialisation, and nothing writes through it once the tensor
/// that owns it has been handed out, which is what makes the class safe to share. Memory of a
/// mapped file is read-only: writing there ends the process.
@safe package final class Storage: @unchecked Sendable {
  /// Alignment of owned memory in bytes: a cache line, and the widest vector register.
  private static let alignment = 64

  package let pointer: UnsafeMutablePointer<Float>
  package let count: Int
  /// The file that the pointer points into; `nil` when the memory is owned.
  private let file: MappedFile?
  private let offset: Int

  /// Allocates `count` floats, uninitialised.
  package init(count: Int) {
    guard count >= 0 else { bug("storage of \(count) floats") }
    let bytes = max(count, 1) * MemoryLayout<Float>.stride
    let rounded = (bytes + Self.alignment - 1) / Self.alignment * Self.alignment
    guard let memory = unsafe aligned_alloc(Self.alignment, rounded) else {
      bug("out of memory: \(rounded) bytes for a tensor of \(count) floats")
    }
    unsafe pointer = unsafe memory.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
    (file, offset) = (nil, 0)
  }

  /// Views `count` floats of `file` from the byte `offset` on, and keeps the file mapped.
  package init(viewing file: MappedFile, offset: Int, count: Int) {
    let bytes = count * MemoryLayout<Float>.stride
    guard count >= 0 && offset + bytes <= file.count else {
      bug("\(count) floats at byte \(offset) of a file")
    }
    let address = unsafe UnsafeMutableRawPointer(mutating: file.address(of: offset))
    guard UInt(bitPattern: address) % UInt(MemoryLayout<Float>.alignment) == 0 else {
      bug("floats at the unaligned byte \(offset)")
    }
    unsafe pointer = unsafe address.bindMemory(to: Float.self, capacity: count)
    self.count = count
    (self.file, self.offset) = (file, offset)
  }

  /// Gives the memory of a view back until it is read again; owned memory stays.
  func release() {
    file?.release(offset..<offset + count * MemoryLayout<Float>.stride)
  }

  deinit { if file == nil { unsafe free(pointer) } }
}
