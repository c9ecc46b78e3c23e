import Foundation
import TensorEngine
import TestSupport
import Testing

/// `Documentation/dependencies.md`, held against what is declared, resolved and installed; and the bill of
/// materials.
@Suite("Dependencies")
struct DependencyTests {
  private static let page = "Documentation/dependencies.md"

  /// The cells of the table below a heading, by its first cell without marks.
  private func table(below heading: String) throws -> [String: [String]] {
    let lines = try DocumentationPage(Self.page).lines
    let start = try #require(
      lines.firstIndex { ["## ", "### "].map { $0 + heading }.contains($0) })
    let section = lines[(start + 1)...].prefix { !$0.hasPrefix("##") }
    let rows = section.filter { $0.hasPrefix("| ") }.dropFirst(2).map { line in
      line.split(separator: "|").map { cell in
        let text = cell.filter { $0 != "`" }.trimmingCharacters(in: .whitespaces)
        return text.hasPrefix("[") ? String(text.dropFirst().prefix { $0 != "]" }) : text
      }
    }
    return Dictionary(rows.map { ($0[0], $0) }, uniquingKeysWith: { $1 })
  }

  private func text(_ path: String) throws -> String {
    try String(
      contentsOfFile: path.hasPrefix("/") ? path : Repository.root + "/" + path, encoding: .utf8)
  }

  /// The folder in which SwiftPM builds and resolves, two above that of the executable.
  private var build: String {
    get throws {
      URL(fileURLWithPath: try HeedProcess.executable).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path
    }
  }

  /// What SwiftPM resolved: version and commit by the package's name.
  private func resolved() throws -> [String: (version: String, commit: String)] {
    let state = try StrictJSON.read(path: build + "/workspace-state.json")
    let packages = try state.member("object").member("dependencies").elements().map { package in
      let checkout = try package.member("state").member("checkoutState")
      let location = try package.member("packageRef").member("location").string()
      let name = String(location.split(separator: "/").last ?? "").replacing(".git", with: "")
      return (
        name,
        (
          version: try checkout.member("version").string(),
          commit: try checkout.member("revision").string()
        )
      )
    }
    return Dictionary(packages, uniquingKeysWith: { $1 })
  }

  @Test("The page has the ranges of Package.swift, and the versions and commits that are resolved")
  func packages() throws {
    let manifest = try text("Package.swift")
    let declared = manifest.matches(of: /\.package\(url: "[^"]*\/([^"\/]+)", from: "([0-9.]+)"\)/)
    let table = try table(below: "Swift packages")
    let resolved = try resolved()
    #expect(Set(declared.map { String($0.output.1) }) == Set(table.keys))
    #expect(Set(resolved.keys) == Set(table.keys))
    for package in declared {
      let row = try #require(table[String(package.output.1)])
      #expect(row[1] == "from \(package.output.2)")
      let found = try #require(resolved[row[0]])
      #expect(
        row[2] == found.version, "\(row[0]): when its tests pass, name this version on the page")
      #expect(row[3] == found.commit, "\(row[0]): another commit than was tested has this version")
    }
  }

  /// The first two numbers of a Debian version's upstream part, as in `1.16` of `1:1.16.0-7`.
  private func series(_ version: String) -> [String] {
    let upstream = version.split(separator: ":").last ?? ""
    return upstream.prefix { $0.isNumber || $0 == "." }.split(separator: ".").prefix(2).map(
      String.init)
  }

  @Test(
    "The page has the libraries that the Makefile installs, with the licences of the wheel's list")
  func libraries() throws {
    let makefile = try text("Makefile").replacing("\\\n", with: " ")
    let line = try #require(makefile.firstMatch(of: /\nLIBRARIES := ([^\n]*)/))
    let installed = line.output.1.split(whereSeparator: \.isWhitespace).map(String.init)
    let table = try table(below: "Libraries of Debian 12")
    #expect(Set(installed).subtracting(["pkg-config"]) == Set(table.keys))
    let licences = try text("notebooks-export/wheel/libraries.csv").split(separator: "\n")
    for row in table.values { #expect(licences.contains("\(row[2]),\(row[3])"), "\(row[0])") }
  }

  private static let isDebian12: Bool = {
    let release = (try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)) ?? ""
    return release.contains("ID=debian\n") && release.contains("VERSION_ID=\"12\"")
  }()

  @Test(
    "The libraries that are installed are of the series that the page names",
    .enabled(if: isDebian12, "Debian 12"))
  func versions() throws {
    for row in try table(below: "Libraries of Debian 12").values {
      let found = try run("/usr/bin/dpkg-query", ["-W", "-f", "${Version}", row[0]])
      #expect(series(found) == series(row[1]), "\(row[0]) is \(found), and \(row[1]) on the page")
    }
  }

  @Test("Every library, and what links to it, has the digest of its file on the page")
  func files() throws {
    let files = try table(below: "The packages' files")
    let libraries = try table(below: "Libraries of Debian 12").values
    #expect(Set(files.keys) == Set(libraries.flatMap { [$0[0], $0[2]] }))
    for row in libraries {
      for name in [row[0], row[2]] { #expect(files[name]?[1] == row[1], "\(name)") }
    }
    for (name, row) in files {
      #expect(row[2].wholeMatch(of: /[0-9a-f]{64}/) != nil, "\(name)")
      guard Self.isDebian12 else { continue }
      // What the archive no longer has, apt does not know, or knows without a digest.
      let known = try run("/bin/sh", ["-c", "apt-cache show '\(name)=\(row[1])' || true"])
      guard known.contains(/Architecture: (amd64|all)\n/),
        let digest = known.firstMatch(of: /\nSHA256: ([0-9a-f]+)/)
      else { continue }
      #expect(row[2] == digest.output.1, "\(name)")
    }
  }

  @Test("A series is told apart from what Debian changes of it")
  func reading() {
    #expect(series("1:1.2.13.dfsg-1") == ["1", "2"] && series("3.0.19-1~deb12u2") == ["3", "0"])
    #expect(series("1.50.12+ds-1") == ["1", "50"] && series("2.37-6") == ["2", "37"])
  }

  @Test("Every requirements file is on the page, and names exact versions alone")
  func requirements() throws {
    let page = try DocumentationPage(Self.page)
    let files = try FileManager.default.subpathsOfDirectory(atPath: Repository.root).filter {
      $0.wholeMatch(of: /(notebooks-export|Tests)\/[^.]*requirements[^\/]*\.txt/) != nil
    }
    #expect(files.count > 2)
    for file in files {
      #expect(page.links.contains("../" + file), "\(file)")
      for line in try text(file).split(separator: "\n") where !line.hasPrefix("#") {
        #expect(
          line.wholeMatch(of: /[A-Za-z0-9_.\-]+==[0-9][A-Za-z0-9.]*/) != nil, "\(file): \(line)")
      }
    }
  }

  // MARK: - The bill of materials

  private func run(_ program: String, _ arguments: [String]) throws -> String {
    let folder = try TemporaryFolder()
    try folder.write("output", [])
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = try FileHandle(
      forWritingTo: URL(fileURLWithPath: folder.path + "/output"))
    process.standardError = process.standardOutput
    try process.run()
    process.waitUntilExit()
    let said = folder.text("output")
    #expect(process.terminationStatus == 0, "\(program): \(said)")
    return said
  }

  @Test(
    "The bill of materials has what CycloneDX 1.5 requires, and every library that the command loads",
    .enabled(if: isDebian12, "Debian 12"))
  func bill() throws {
    let folder = try TemporaryFolder()
    let executable = try HeedProcess.executable
    let path = folder.path + "/heed.cdx.json"
    let built = URL(fileURLWithPath: executable).deletingLastPathComponent().path
    _ = try run(
      "/usr/bin/python3",
      [
        "-B", Repository.root + "/notebooks-export/wheel/make_sbom.py", "--built", built,
        "--checkouts",
        build + "/checkouts", "--output", path,
      ])
    let bill = try StrictJSON.read(path: path)
    #expect(try bill.member("bomFormat").string() == "CycloneDX")
    #expect(try bill.member("specVersion").string() == "1.5")
    #expect(try bill.member("version").integer() == 1)
    let serial = try bill.member("serialNumber").string()
    #expect(serial.wholeMatch(of: /urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/) != nil)
    let time = try bill.member("metadata").member("timestamp").string()
    #expect(time.wholeMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z/) != nil)
    let heed = try bill.member("metadata").member("component")
    let version = try HeedProcess.run(["--version"], in: folder.path).stdout
    #expect(try version.hasPrefix(heed.member("version").string() + " (commit "))
    let commit = try heed.member("properties").elements()[0].member("value").string()
    #expect(version.contains("commit " + commit))
    #expect(
      try heed.member("hashes").elements()[0].member("content").string()
        == SHA256.digest(of: MappedFile(path: executable)))

    let components = try bill.member("components").elements()
    var references = [try heed.member("bom-ref").string()]
    var files: Set<String> = []
    for component in [heed] + components {
      let name = try component.member("name").string()
      let type = try component.member("type").string()
      #expect(["application", "library", "data"].contains(type), "\(name)")
      #expect(try component.member("purl").string().hasPrefix("pkg:"), "\(name)")
      #expect(try !component.member("version").string().isEmpty, "\(name)")
      for licence in try component.member("licenses").elements() {
        #expect(try !licence.member("expression").string().isEmpty, "\(name)")
      }
      let parts = try component.optionalMember("components")?.elements() ?? []
      for part in parts { files.insert(try part.member("name").string()) }
      for part in [component] + parts {
        for hash in try part.optionalMember("hashes")?.elements() ?? [] {
          let digits = ["SHA-1": 40, "SHA-256": 64][try hash.member("alg").string()]
          #expect(try hash.member("content").string().count == digits, "\(name)")
        }
      }
    }
    references += try components.map { try $0.member("bom-ref").string() }
    #expect(Set(references).count == references.count)
    let dependencies = try bill.member("dependencies").elements()
    #expect(try Set(dependencies.map { try $0.member("ref").string() }) == Set(references))
    #expect(try dependencies[0].member("dependsOn").strings() == Array(references.dropFirst()))

    for (name, package) in try resolved() {
      let component = try #require(
        try components.first { try $0.member("name").string() == name }, "\(name)")
      #expect(try component.member("version").string() == package.version)
      #expect(
        try component.member("hashes").elements()[0].member("content").string() == package.commit)
    }
    let loaded = try run("/usr/bin/ldd", [executable]).split(separator: "\n")
      .filter { $0.contains(" => /") }.compactMap { $0.split(whereSeparator: \.isWhitespace).first }
    #expect(loaded.count > 20 && Set(loaded.map(String.init)).isSubset(of: files))
  }
}
