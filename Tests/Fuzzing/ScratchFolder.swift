import Glibc

/// A folder in memory, for parsers that read files by their paths.
///
/// It goes when the process ends as it should; a crash leaves it to `run.sh`, which made the folder above it.
struct ScratchFolder {
  let path: String

  init(_ name: String) {
    let root = getenv("HEED_SCRATCH").map { String(cString: $0) } ?? "/tmp"
    path = "\(root)/\(name)-\(getpid())"
    mkdir(path, 0o700)
  }

  /// Writes a file, and gives its path.
  func write(_ bytes: some Collection<UInt8>, _ name: String) -> String {
    let file = "\(path)/\(name)"
    let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else { fatalError("cannot write \(file)") }
    let bytes = Array(bytes)
    _ = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
    return file
  }

  /// Writes the parts of an input between NUL bytes under some names; a name without a part is not there.
  func write(parts input: [UInt8], as names: [String]) {
    let parts = input.split(
      separator: 0, maxSplits: names.count - 1, omittingEmptySubsequences: false)
    for (index, name) in names.enumerated() {
      if index < parts.count, !parts[index].isEmpty {
        _ = write(parts[index], name)
      } else {
        unlink("\(path)/\(name)")
      }
    }
  }

  func remove(_ names: [String]) { for name in names { unlink("\(path)/\(name)") } }

  func makeFolder(_ name: String) { mkdir("\(path)/\(name)", 0o700) }
}
