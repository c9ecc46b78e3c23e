internal import AttentionTrace
private import Foundation
private import TensorEngine

extension RunFolder {
  /// Whether the run there is complete; one that cannot be read is not.
  ///
  /// Of a large benchmark, thousands are asked: of what made the run, nothing else is read.
  var isComplete: Bool {
    struct Progress: Decodable { let status: RunManifest.Status }
    guard let file = try? MappedFile(path: manifest) else { return false }
    let bytes = unsafe file.withBytes { unsafe Data($0) }
    return (try? JSONDecoder().decode(Progress.self, from: bytes))?.status == .complete
  }

  /// The bytes of its files; 0 where there is none.
  var bytes: Int {
    let walk = FileManager.default.enumerator(
      at: URL(fileURLWithPath: path), includingPropertiesForKeys: [.fileSizeKey])
    var sum = 0
    while let file = walk?.nextObject() as? URL {
      sum += (try? file.resourceValues(forKeys: [.fileSizeKey]))?.fileSize ?? 0
    }
    return sum
  }
}
