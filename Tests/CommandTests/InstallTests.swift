import Foundation
import TestSupport
import Testing

/// `make install`: what it puts where, and that Heed runs from there.
@Suite("Installation", .serialized)
struct InstallTests {
  private static let isRoot = geteuid() == 0

  private func shell(
    _ line: String, in directory: String, environment: [String: String] = [:]
  ) throws -> (status: Int32, output: String) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", line]
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: text, as: UTF8.self))
  }

  private static var built: String {
    get throws {
      URL(fileURLWithPath: try HeedProcess.executable).deletingLastPathComponent().path
    }
  }

  /// Installs what is built, with a manual of one page, below `folder`.
  private func install(_ folder: TemporaryFolder) throws {
    try folder.write("manual/heed.1", ".Dd today\n".utf8)
    let result = try make("files", folder)
    #expect(result.status == 0, "\(result.output)")
  }

  private func make(
    _ target: String, _ folder: TemporaryFolder
  ) throws -> (status: Int32, output: String) {
    try shell(
      """
      make -s \(target) BUILT=\(try Self.built) MANUAL=\(folder.path)/manual DESTDIR=\(folder.path)/root \
      PREFIX=/opt/heed
      """, in: Repository.root)
  }

  @Test("Every file has its place, and uninstall leaves none")
  func places() throws {
    let folder = try TemporaryFolder()
    try install(folder)
    let root = "root/opt/heed/"
    for name in [
      "bin/heed", "share/man/man1/heed.1", "share/bash-completion/completions/heed",
      "share/zsh/site-functions/_heed", "share/fish/vendor_completions.d/heed.fish",
      "share/heed/heed_PromptText.resources/CLIPVocabulary",
      "share/heed/heed_Diffusion.resources/Menagerie", "share/heed/heed_Figures.resources/Report",
      "share/heed/heed_Evaluation.resources/Suites/attend-and-excite.jsonl",
      "share/heed/heed_Evaluation.resources/Eyes/clip/model.safetensors",
    ] {
      #expect(folder.names.contains(root + name), "\(name)")
    }
    let again = try make("files", folder)
    #expect(again.status == 0, "\(again.output)")
    #expect(try make("uninstall", folder).status == 0)
    let left = folder.names.filter { name in
      var isFolder: ObjCBool = false
      return name.hasPrefix(root)
        && FileManager.default.fileExists(atPath: folder.path + "/" + name, isDirectory: &isFolder)
        && !isFolder.boolValue
    }
    #expect(left == [])
  }

  @Test(
    "The installed command runs without the folder it was built in",
    .enabled(if: isRoot, "hiding a folder needs root"))
  func apart() throws {
    let folder = try TemporaryFolder()
    try install(folder)
    let result = try shell(
      """
      exec unshare --mount sh -c 'mount -t tmpfs none "$BUILT" && exec root/opt/heed/bin/heed tokens frog'
      """, in: folder.path, environment: ["BUILT": try Self.built])
    #expect(result.status == 0 && result.output.contains("frog</w>"), "\(result.output)")
  }

  @Test("Fonts that came with Heed stand for the system's of the same family")
  func fonts() throws {
    let folder = try TemporaryFolder()
    try install(folder)
    let bold = "/usr/share/fonts/truetype/liberation2/LiberationSans-Bold.ttf"
    let result = try shell(
      """
      mv root/opt/heed 'R & D' && heed="$PWD/R & D/bin/heed" &&
      "$heed" generate "a cat" --tokens cat --steps 1 -o runs &&
      "$heed" sheet runs --layout steps -o system.pdf &&
      fonts="$PWD/R & D/share/heed/heed_Figures.resources/Fonts" && mkdir "$fonts" && cp \(bold) "$fonts" &&
      "$heed" sheet runs --layout steps -o brought.pdf
      """, in: folder.path)
    #expect(result.status == 0, "\(result.output)")
    func names(_ file: String) throws -> Set<Substring> {
      let fonts = try shell("pdffonts \(file)", in: folder.path)
      #expect(fonts.status == 0, "pdffonts, of poppler-utils: \(fonts.output)")
      // Below two lines of titles, each with the mark of a subset before its name.
      let rows = fonts.output.split(separator: "\n").dropFirst(2)
      return Set(rows.compactMap { $0.split(separator: " ").first?.dropFirst("ABCDEF+".count) })
    }
    #expect(try names("system.pdf").contains("LiberationSans"))
    #expect(try names("brought.pdf") == ["LiberationSans-Bold"])
  }

  @Test("A command that lacks its files says where it looked and what to do")
  func missing() throws {
    let folder = try TemporaryFolder()
    try install(folder)
    let heed = folder.path + "/root/opt/heed/bin/heed"
    try folder.remove("root/opt/heed/share/heed/heed_Figures.resources")
    for arguments in ["tokens frog", "ls", "model"] {
      let result = try shell("exec \(heed) \(arguments)", in: folder.path)
      #expect(result.status == 66)
      let lines = result.output.split(separator: "\n")
      #expect(lines.count == 1 && lines[0].hasPrefix("heed: \(folder.path)"), "\(result.output)")
      for word in ["/opt/heed/share/heed", "make install"] { #expect(lines[0].contains(word)) }
    }
    #expect(try shell("exec \(heed) --version", in: folder.path).status == 0)
  }

  @Test("bash completes commands, options, choices and run folders")
  func bash() throws {
    let folder = try TemporaryFolder()
    try install(folder)
    try folder.write("runs/a-cat/stable-diffusion/seed-0/run.json", "{}".utf8)
    try folder.write("rest/file", [])
    try folder.write(
      "complete.sh",
      """
      PATH="$PWD/root/opt/heed/bin:$PATH"
      . root/opt/heed/share/bash-completion/completions/heed
      COMP_WORDS=(heed "$@"); COMP_CWORD=$#; COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}
      COMP_TYPE=9; COMP_KEY=9
      _heed heed "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """.utf8)
    func completions(_ words: String...) throws -> [String] {
      let words = words.map { "'\($0)'" }.joined(separator: " ")
      return try shell("bash complete.sh \(words)", in: folder.path).output
        .split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    #expect(try completions("comp") == ["compare"])
    #expect(try completions("sheet", "--layout", "cu") == ["curves"])
    #expect(try completions("sheet", "--for", "cv") == ["cvpr"])
    #expect(try completions("sheet", "--colors", "vi") == ["viridis"])
    #expect(try completions("sheet", "--overlay", "con") == ["contour"])
    #expect(try completions("generate", "--scheduler", "euler-") == ["euler-ancestral"])
    #expect(try completions("generate", "--method", "conf") == ["conform"])
    #expect(try completions("compare", "--methods", "conform,bo") == ["conform,box-diff"])
    #expect(try completions("sheet", "r") == ["runs/"])
    #expect(
      try completions("report", "runs/a-cat/stable-diffusion/")
        == ["runs/a-cat/stable-diffusion/seed-0"])
  }
}
