private import Foundation
private import Glibc

/// A file system in memory of a given size.
package final class SmallDisk {
  /// Whether this process may mount one.
  package static let isPossible = geteuid() == 0 && (try? SmallDisk(kibibytes: 64)) != nil

  /// Where it is mounted.
  package let path: String

  /// Mounts one of `kibibytes`.
  package init(kibibytes: Int) throws {
    path = FileManager.default.temporaryDirectory.path + "/heed-disk-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard mount("heed-test", path, "tmpfs", 0, "size=\(kibibytes)k") == 0 else {
      let code = errno
      try? FileManager.default.removeItem(atPath: path)
      throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EPERM)
    }
  }

  deinit {
    umount2(path, 2)
    rmdir(path)
  }

  /// Makes it smaller or larger.
  package func resize(kibibytes: Int) throws {
    let remount: UInt = 32
    guard mount("heed-test", path, "tmpfs", remount, "size=\(kibibytes)k") == 0 else {
      throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EPERM)
    }
  }

  /// Takes all the room that is left.
  package func fill() throws {
    let file = open(path + "/ballast", O_WRONLY | O_CREAT, 0o600)
    defer { close(file) }
    let block = [UInt8](repeating: 0, count: 4096)
    while write(file, block, block.count) > 0 {}
  }

  /// How many bytes are taken.
  package var used: Int {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return 0 }
    return Int(status.f_blocks - status.f_bfree) * Int(status.f_frsize)
  }

  /// Gives that room back.
  package func empty() throws { unlink(path + "/ballast") }
}
