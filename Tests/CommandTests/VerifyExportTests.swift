import AttentionExport
import Foundation
import TestSupport
import Testing

@Suite("heed verify-export")
struct VerifyExportTests {
  private static let run = "runs/a-cat-and-a-frog/stable-diffusion/seed-0"
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for arguments in [
      ["generate", OutputFolderTests.prompt, "--method", "stable-diffusion", "--steps", "2"],
      ["export", Self.run, "-o", "out", "--format", "npy,zarr"],
    ] {
      let result = try HeedProcess.run(arguments, in: folder.path)
      #expect(result.status == 0, "\(result.stderr)")
    }
  }

  private func verify(_ more: [String] = []) throws -> HeedProcess.Result {
    try HeedProcess.run(["verify-export", "out"] + more, in: folder.path)
  }

  @Test("An export as it was made is sound, for coreutils too")
  func sound() throws {
    let result = try verify()
    #expect(result.status == 0)
    #expect(result.stderr.isEmpty)
    let files = folder.names.count { name in
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(
        atPath: folder.path + "/" + name, isDirectory: &isFolder)
      return name.hasPrefix("out/") && !isFolder.boolValue
    }
    #expect(result.stdout == "\(files - 1) files unchanged, 0 missing, 0 changed, 0 extra\n")
    let coreutils = try HeedProcess.run(
      [], in: folder.path + "/out", shell: "exec sha256sum --check --quiet SHA256SUMS")
    #expect(coreutils.status == 0, "\(coreutils.stdout)\(coreutils.stderr)")
  }

  @Test("Files that are missing, changed and extra are named and counted")
  func differences() throws {
    try folder.remove("out/arrays/step.npy")
    var bytes = folder.bytes("out/arrays/token.npy")
    bytes[bytes.count - 1] ^= 1
    try folder.write("out/arrays/token.npy", bytes)
    try folder.write("out/tables/calls.csv", folder.bytes("out/tables/calls.csv").dropLast())
    try folder.write("out/notes.txt", "mine".utf8)
    try folder.remove("out/README.md")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/out/README.md", withDestinationPath: "/etc/passwd")
    let result = try verify()
    #expect(result.status == 65)
    #expect(
      result.messages == ["heed: out: 1 missing, 3 changed, 1 extra"], "\(result.stderr)")
    let lines = result.stdout.split(separator: "\n")
    #expect(lines.contains("missing  arrays/step.npy"))
    #expect(lines.contains("extra    notes.txt"))
    #expect(lines.contains("changed  README.md: is not a regular file"))
    #expect(lines.contains { $0.hasPrefix("changed  arrays/token.npy: SHA-256 is ") })
    #expect(
      lines.contains {
        $0.hasPrefix("changed  tables/calls.csv: ") && $0.contains("bytes, expected ")
      })
    let json = try JSONSerialization.jsonObject(with: Data(try verify(["--json"]).stdout.utf8))
    #expect((json as? [String: Any])?["missing"] as? [String] == ["arrays/step.npy"])
  }

  @Test("A flipped bit anywhere is found", arguments: [0.1, 0.5, 0.9])
  func flippedBits(_ place: Double) throws {
    for name in ["manifest.json", "manifest.schema.json", "README.md", "arrays/loss.npy"] {
      let sound = folder.bytes("out/" + name)
      var bytes = sound
      bytes[Int(Double(bytes.count) * place)] ^= 1
      try folder.write("out/" + name, bytes)
      let result = try verify()
      #expect(result.status == 65)
      #expect((result.stdout + result.stderr).contains(name))
      expectPlain(result.stderr)
      try folder.write("out/" + name, sound)
    }
  }

  @Test(
    "A manifest that lies is refused",
    arguments: [
      ("\"format\" : \"heed-export\"", "\"format\" : \"other\"", ".format"),
      ("\"format_version\" : 2", "\"format_version\" : 3", "version 3, expected 1 to 2"),
      ("\"format_version\" : 2", "\"format_version\" : 2, \"format_version\" : 2", "uplicate"),
      ("\"path\" : \"README.md\"", "\"path\" : \"../README.md\"", "out of the folder"),
      ("\"path\" : \"README.md\"", "\"path\" : \"/etc/passwd\"", "out of the folder"),
      ("\"path\" : \"README.md\"", "\"path\" : \"tables//x\"", "out of the folder"),
      ("\"path\" : \"README.md\"", "\"path\" : \"manifest.json\"", "out of the folder"),
      ("\"path\" : \"README.md\"", "\"path\" : \"arrays/step.npy\"", "twice"),
      ("\"bytes\" : ", "\"bytes\" : -", "0 or more"),
      ("\"sha256\" : \"", "\"sha256\" : \"z", "hexadecimal"),
      ("\"size\" : 77", "\"size\" : 78", "takes"),
      ("\"size\" : 77", "\"size\" : 9223372036854775807", "extent"),
      ("\"dtype\" : \"float16\"", "\"dtype\" : \"float99\"", "float99"),
      ("\"npy\" : \"arrays/step.npy\"", "\"npy\" : \"arrays/none.npy\"", "not among"),
      ("\"files\" : [", "\"other\" : [", "files"),
      ("{", "[", "manifest.json"),
    ])
  func lies(_ text: String, _ lie: String, _ words: String) throws {
    let manifest = folder.text("out/manifest.json")
    #expect(manifest.contains(text))
    try folder.write("out/manifest.json", manifest.replacing(text, with: lie).utf8)
    expectRefusal(try verify(), 65, ["out/manifest.json", words])
  }

  @Test("An export of the earlier format is still verified")
  func earlierFormat() throws {
    let manifest = folder.text("out/manifest.json")
    try folder.write(
      "out/manifest.json",
      manifest.replacing("\"format_version\" : 2", with: "\"format_version\" : 1").utf8)
    let result = try verify()
    #expect(result.messages == ["heed: out: 0 missing, 1 changed, 0 extra"], "\(result.stderr)")
    #expect(result.stdout.hasPrefix("changed  manifest.json: "))
  }

  @Test("What is no export is refused", arguments: ["nosuch", "file", "runs"])
  func noExport(_ path: String) throws {
    try folder.write("file", "text".utf8)
    expectRefusal(
      try HeedProcess.run(["verify-export", path], in: folder.path), 66, [path])
  }
}
