internal import Synchronization

/// The arrays of a run's store, each opened where it is read.
///
/// A process may have few files open, often 1,024, and reads thousands of runs for a table or a report: of all
/// runs together, those arrays stay open that were read last.
final class OpenedArrays: Sendable {
  /// What is known of an array before it is opened.
  struct Description: Sendable {
    /// Axes of the array.
    let axes: Int
    /// Bytes of each chunk, its checksum included.
    let chunkBytes: Int
    /// How many chunks the array's shard has room for; `nil` where chunks are files of their own.
    let shardCount: Int?
  }

  private struct Opened: Sendable {
    let name: String
    let owner: ObjectIdentifier
    let chunks: ArrayChunks
  }

  /// How many arrays stay open; each has its folder and its shard.
  static let most = 64
  /// Of all runs; the one that was read last is at the end.
  private static let opened = Mutex<[Opened]>([])

  private let folder: RunFolder
  private let arrays: [String: Description]

  init(of folder: RunFolder, _ arrays: [String: Description]) {
    (self.folder, self.arrays) = (folder, arrays)
  }

  /// Arrays of a run that nobody reads any more need not stay open.
  deinit { Self.opened.withLock { opened in opened.removeAll { $0.owner == identifier } } }

  private var identifier: ObjectIdentifier { ObjectIdentifier(self) }

  /// The chunks of an array; `nil` if the store has no such array, or none yet.
  /// - Throws: `TraceError`: it cannot be opened.
  subscript(name: String) -> ArrayChunks? {
    get throws {
      guard let array = arrays[name] else { return nil }
      if let chunks = again(name) { return chunks }
      guard let store = try Directory(path: folder.path).folder(RunFolder.storeName),
        let folder = try store.folder(name)
      else { return nil }
      let chunks = ArrayChunks(
        in: folder, axes: array.axes, chunkBytes: array.chunkBytes, shardCount: array.shardCount)
      let closed = Self.opened.withLock { opened in
        opened.append(Opened(name: name, owner: identifier, chunks: chunks))
        return opened.count > Self.most ? opened.removeFirst() : nil
      }
      // Closed here at the earliest, while nobody waits for it; readers of it hold it until they are done.
      withExtendedLifetime(closed) {}
      return chunks
    }
  }

  /// An array that is open already.
  private func again(_ name: String) -> ArrayChunks? {
    Self.opened.withLock { opened in
      guard let place = opened.lastIndex(where: { $0.owner == identifier && $0.name == name })
      else { return nil }
      let found = opened.remove(at: place)
      opened.append(found)
      return found.chunks
    }
  }
}
