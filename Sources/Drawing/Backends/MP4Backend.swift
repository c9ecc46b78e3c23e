internal import Foundation
internal import Pictures
internal import TensorEngine

// Unsafe: the system makes a pair of sockets in an array that has room for it, and sends from an array that is
// lent for the call.

/// Writes an animation as an MP4 film by the program ffmpeg: H.264 as every player and office program reads
/// it.
///
/// The frames go to ffmpeg as they are drawn, and its film comes back in a file without a name: when
/// anything fails, or the process ends, nothing is left.
package enum MP4Backend {
  /// Frames a second for players that show none that are slower.
  private static let rate = 25

  /// Writes the animation to the file at `path`, which appears whole or not at all; a file that is there is
  /// replaced.
  /// - Throws: ``FigureError`` if ffmpeg is missing or fails, or a frame cannot be drawn; `FileError` if the file
  ///   cannot be written.
  package static func render(_ animation: Animation, to path: String) throws {
    try writeAtomically(data(animation, path: path), to: path, throughLinks: true)
  }

  /// The bytes of the film; the same animation gives the same with the same ffmpeg.
  /// - Parameters:
  ///   - animation: the frames.
  ///   - path: what errors call the film.
  /// - Throws: ``FigureError`` if ffmpeg is missing or fails, or a frame cannot be drawn.
  package static func data(_ animation: Animation, path: String) throws -> [UInt8] {
    let program = try program(for: path)
    let first = try animation.frame(at: 0)
    let (film, messages) = (try namelessFile(), try namelessFile())
    let (ours, theirs) = try sockets()
    let process = Process()
    process.executableURL = program
    process.arguments = arguments(
      width: first.width, height: first.height, metadata: animation.first.metadata)
    process.standardInput = theirs
    process.standardOutput = film
    process.standardError = messages
    do {
      try process.run()
    } catch {
      throw FigureError.program(
        path: path, reason: "\(program.path) does not start: \(error.localizedDescription)")
    }
    do {
      defer { try? ours.close() }
      try theirs.close()
      try send(animation, to: ours)
    } catch {
      process.terminate()
      process.waitUntilExit()
      throw error
    }
    process.waitUntilExit()
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      let text = String(decoding: try content(of: messages), as: UTF8.self)
      let last = text.split(whereSeparator: \.isNewline).last.map(String.init)
      throw FigureError.program(
        path: path, reason: "ffmpeg fails: \(last ?? "status \(process.terminationStatus)")")
    }
    return [UInt8](try content(of: film))
  }

  // MARK: - ffmpeg

  /// Where ffmpeg is.
  /// - Parameter path: the film that needs it.
  /// - Throws: ``FigureError/program(path:reason:)``.
  @discardableResult
  static func program(for path: String) throws -> URL {
    let folders = ProcessInfo.processInfo.environment["PATH"] ?? ""
    for folder in folders.split(separator: ":") {
      let program = URL(fileURLWithPath: String(folder)).appendingPathComponent("ffmpeg")
      if FileManager.default.isExecutableFile(atPath: program.path) { return program }
    }
    throw FigureError.program(
      path: path,
      reason:
        "ffmpeg, which makes an .mp4, is not installed; apt-get install ffmpeg, or write a .gif or "
        + ".apng instead")
  }

  private static func arguments(
    width: Int, height: Int, metadata: Scene.Metadata
  ) -> [String] {
    let told = [
      ("title", metadata.title), ("encoder", metadata.software), ("comment", metadata.manifest),
    ].filter { !$0.1.isEmpty }.flatMap { ["-metadata", "\($0.0)=\($0.1)"] }
    return [
      "-nostdin", "-hide_banner", "-loglevel", "error", "-y",
      "-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", "\(width)x\(height)",
      "-framerate", "\(rate)", "-i", "pipe:0",
      // Colours of small type need more than film does; many players know no other sampling than 4:2:0.
      "-vf",
      "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p",
      "-c:v", "libx264", "-preset", "slow", "-tune", "animation", "-crf", "12", "-threads", "1",
      "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "iec61966-2-1",
      "-color_range", "tv", "-fflags", "+bitexact", "-flags:v", "+bitexact",
      "-map_metadata", "-1",
    ] + told + ["-movflags", "+faststart", "-f", "mp4", "/dev/stdout"]
  }

  /// Sends each frame as often as it takes for its time.
  private static func send(_ animation: Animation, to socket: FileHandle) throws {
    for (index, delay) in animation.delays.enumerated() {
      let pixels = try animation.frame(at: index).pixels
      for _ in 0..<max(1, (delay * rate + 500) / 1000) {
        // Once ffmpeg no longer listens, its status and its message say why.
        guard send(pixels, to: socket.fileDescriptor) else { return }
      }
    }
  }

  /// Sends all bytes; whether the other end took them.
  private static func send(_ bytes: [UInt8], to socket: Int32) -> Bool {
    unsafe bytes.withUnsafeBytes { buffer in
      var sent = 0
      while sent < buffer.count {
        let count = unsafe Foundation.send(
          socket, buffer.baseAddress.map { unsafe $0 + sent }, buffer.count - sent,
          Int32(MSG_NOSIGNAL))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        sent += count
      }
      return true
    }
  }

  // MARK: - Files

  /// A pair of sockets, which, unlike a pipe, raise no signal when the other end is gone.
  private static func sockets() throws -> (ours: FileHandle, theirs: FileHandle) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      throw FileError.system(.unwritable, path: "a socket", doing: "create", code: errno)
    }
    return (
      FileHandle(fileDescriptor: ends[0], closeOnDealloc: true),
      FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
    )
  }

  /// An empty file that is gone when it is closed.
  private static func namelessFile() throws -> FileHandle {
    let folder = FileManager.default.temporaryDirectory.path
    var name = Array("\(folder)/heed-XXXXXX".utf8CString)
    let descriptor = unsafe mkstemp(&name)
    guard descriptor >= 0 else {
      throw FileError.system(.unwritable, path: folder, doing: "create", code: errno)
    }
    unsafe unlink(name)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  private static func content(of file: FileHandle) throws -> Data {
    try file.seek(toOffset: 0)
    return try file.readToEnd() ?? Data()
  }
}
