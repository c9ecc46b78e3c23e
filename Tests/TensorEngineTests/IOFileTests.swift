import Foundation
import TensorEngine
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite("Mapped files and atomic writes")
struct IOFileTests {
  @Test("A mapped file lends its bytes")
  func mapped() throws {
    let folder = try TemporaryFolder()
    let file = try MappedFile(path: folder.file([1, 2, 3]))
    #expect(file.count == 3)
    #expect(file.withBytes { Array($0) } == [1, 2, 3])
  }

  @Test("What was given back reads the same, however often it is used")
  func released() throws {
    let folder = try TemporaryFolder()
    let bytes = (0..<3 << 20).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
    let file = try MappedFile(path: folder.file(bytes))
    for _ in 0..<6 {
      file.release(1000..<bytes.count)
      #expect(file.withBytes { $0.elementsEqual(bytes) })
    }
    for _ in 0..<2 {
      MappedFile.releaseAll()
      #expect(file.withBytes { $0.elementsEqual(bytes) })
      file.release(1000..<bytes.count)
    }
  }

  @Test("What is no readable, filled file is refused with its path")
  func unmappable() throws {
    let folder = try TemporaryFolder()
    let missing = fileError { try MappedFile(path: folder.path + "/no\u{1B}thing") }
    #expect(missing?.kind == .missing)
    #expect(missing?.systemError == ENOENT)
    #expect(
      missing?.description
        == folder.path + "/no\\u{1b}thing: cannot open: No such file or directory (errno 2)")
    let under = fileError { try MappedFile(path: try folder.file([1]) + "/x") }
    #expect(under?.kind == .missing)
    #expect(fileError { try MappedFile(path: folder.path) }?.reason.contains("a folder") == true)
    let empty = fileError { try MappedFile(path: try folder.file([], name: "empty")) }
    #expect(empty?.reason == "the file is empty")
    let pipe = folder.path + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(fileError { try MappedFile(path: pipe) }?.reason.contains("no regular file") == true)
    #expect(fileError { try MappedFile(path: "/dev/null") }?.kind == .unreadable)
  }

  @Test("A file is replaced whole, and no temporary file stays")
  func replaces() throws {
    let folder = try TemporaryFolder()
    let path = try folder.file([1, 2, 3], name: "out.bin")
    let large = [UInt8](repeating: 7, count: 300_000)
    try AtomicFile.write(to: path, isDurable: true) { file in
      try file.append(large)
      try file.append([8])
      #expect(file.count == 300_001)
    }
    #expect(try bytes(ofFileAt: path) == large + [8])
    #expect(try folder.names() == ["out.bin"])
    try writeAtomically([], to: path)
    #expect(try bytes(ofFileAt: path).isEmpty)
    try writeAtomically([1], to: folder.path + "/" + String(repeating: "é", count: 127))
    #expect(try folder.names().count == 2)
  }

  @Test("A failure while writing leaves what was there and nothing else")
  func failureKeepsOldFile() throws {
    let folder = try TemporaryFolder()
    let path = try folder.file([1, 2, 3], name: "out.bin")
    let failure = FileError(.malformed, path: "x", reason: "stop")
    let error = fileError {
      try AtomicFile.write(to: path) { file in
        try file.append([9])
        throw failure
      }
    }
    #expect(error == failure)
    #expect(try bytes(ofFileAt: path) == [1, 2, 3])
    #expect(try folder.names() == ["out.bin"])
  }

  @Test("A place that cannot hold the file is refused with its path")
  func unwritable() throws {
    let folder = try TemporaryFolder()
    let missing = fileError { try writeAtomically([1], to: folder.path + "/none/out.bin") }
    #expect(missing?.kind == .unwritable)
    #expect(missing?.systemError == ENOENT)
    #expect(fileError { try writeAtomically([1], to: folder.path) }?.kind == .unwritable)
    #expect(fileError { try writeAtomically([1], to: "/dev/full") }?.kind == .unwritable)
    #expect(fileError { try writeAtomically([1], to: folder.path + "/") }?.kind == .unwritable)
    #expect(try folder.names().isEmpty)
  }

  @Test("A file grows by all that is added, and is cut off where it was")
  func growing() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/lines"
    try GrowingFile.append([1, 2], to: path)
    try GrowingFile.append([3], to: path)
    #expect(try bytes(ofFileAt: path) == [1, 2, 3])
    try GrowingFile.cut(path, at: 1)
    #expect(try bytes(ofFileAt: path) == [1])
    let full = fileError { try GrowingFile.append([1], to: "/dev/full") }
    #expect(full?.kind == .diskFull)
    #expect(fileError { try GrowingFile.append([1], to: folder.path) }?.systemError == EISDIR)
    #expect(fileError { try GrowingFile.cut(path + "s", at: 0) }?.systemError == ENOENT)
  }

  @Test("What a symbolic link leads to does not grow, and is not cut off")
  func growingThroughLink() throws {
    let folder = try TemporaryFolder()
    let path = try folder.file([1, 2, 3])
    let link = folder.path + "/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    for error in [
      fileError { try GrowingFile.append([4], to: link) },
      fileError { try GrowingFile.cut(link, at: 0) },
    ] {
      #expect(error?.path == link && error?.reason.contains("symbolic link") == true)
    }
    #expect(try bytes(ofFileAt: path) == [1, 2, 3])
  }

  @Test("A name that begins with a combining accent is found in its folder")
  func accent() throws {
    let folder = try TemporaryFolder()
    let path = try folder.file([1], name: "\u{301}a")
    #expect(try MappedFile(path: path, within: folder.path).count == 1)
  }

  @Test("A folder is made with those above it, and one that cannot be is named with errno")
  func folders() throws {
    let folder = try TemporaryFolder()
    try OutputFolder.make(folder.path + "/a//b/c/")
    try OutputFolder.make(folder.path + "/a/b/c")
    #expect(try folder.names() == ["a"])
    let file = try folder.file([1])
    for path in [file, file + "/x", file + "/x/y"] {
      let error = fileError { try OutputFolder.make(path) }
      #expect(error?.kind == .unwritable && error?.systemError == ENOTDIR)
      #expect(error?.path == path)
    }
    #expect(fileError { try OutputFolder.make("/proc/none/x") }?.systemError == ENOENT)
  }

  @Test("A call that is interrupted is made again, and a thousand times in a row are an error")
  func interruptions() {
    var calls = 0
    let result = uninterrupted {
      calls += 1
      errno = EINTR
      return calls < 5 ? -1 : 7
    }
    #expect(result == 7 && calls == 5)
    calls = 0
    let never = uninterrupted {
      calls += 1
      errno = EINTR
      return -1
    }
    #expect(never == -1 && errno == EINTR && calls > 1000)
  }

  @Test("A full disk is named as one", arguments: [ENOSPC, EDQUOT])
  func diskFull(code: Int32) {
    let error = FileError.system(.unwritable, path: "run/a.npy", doing: "write", code: code)
    #expect(error.kind == .diskFull)
    #expect(error.description == "run/a.npy: cannot write: disk full (errno \(code))")
  }

  @Test("An error's text is one line that is safe for a terminal")
  func printable() {
    let error = FileError(
      .malformed, path: "a\nb", offset: 9,
      subject: "tensor \(FileError.quoted("x\u{1B}[2J\u{202E}"))",
      reason: "wrong")
    #expect(
      error.description == "a\\u{a}b: tensor \"x\\u{1b}[2J\\u{202e}\": wrong (byte 9)")
    #expect(FileError.quoted(String(repeating: "é", count: 90)).count == 83)
  }
}
