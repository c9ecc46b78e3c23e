import Foundation
import Testing

/// The data path is the directory path: which module may import which.
@Suite("Imports")
struct ImportRuleTests {
  /// What a module may import of this package and of the libraries that it binds.
  private static let allowed: [String: Set<String>] = [
    "TensorEngine": ["CKernels", "COpenSSL", "CZlib"],
    "YAML": ["CYaml", "TensorEngine", "Yams"],
    "Pictures": ["CGIF", "CPNG", "CPictures", "TensorEngine"],
    "PromptText": ["TensorEngine"],
    "AttentionTrace": ["CKernels", "PromptText", "TensorEngine"],
    "Diffusion": ["AttentionTrace", "Pictures", "PromptText", "TensorEngine", "YAML"],
    "AttentionAnalysis": ["AttentionTrace", "CKernels", "PromptText", "TensorEngine"],
    "AttentionExport": [
      "AttentionAnalysis", "AttentionTrace", "CKernels", "PromptText", "TensorEngine",
    ],
    "Drawing": ["CCairo", "CQPDF", "Pictures", "TensorEngine"],
    "Figures": [
      "AttentionAnalysis", "AttentionTrace", "Drawing", "Pictures", "PromptText", "TensorEngine",
      "YAML",
    ],
    "Evaluation": [
      "AttentionAnalysis", "AttentionTrace", "Diffusion", "Pictures", "PromptText", "TensorEngine",
      "YAML",
    ],
    "HeedLibrary": [
      "AttentionAnalysis", "AttentionExport", "AttentionTrace", "Diffusion", "Drawing",
      "Evaluation",
      "Figures", "Pictures", "PromptText", "TensorEngine",
    ],
    "heed": [
      "ArgumentParser", "AttentionAnalysis", "AttentionExport", "AttentionTrace", "CBuild",
      "CMemory",
      "Diffusion", "Drawing", "Evaluation", "Figures", "Pictures", "PromptText", "TensorEngine",
    ],
  ]

  /// The system's own modules, which every module may use.
  private static let system: Set<String> = ["Dispatch", "Foundation", "Glibc", "Synchronization"]

  /// Modules in C, and bindings of system libraries, which import nothing of ours.
  private static let withoutSwift: Set<String> = [
    "CBuild", "CMemory", "CCairo", "CGIF", "CJPEG", "CKernels", "COpenSSL", "CPNG", "CPictures",
    "CQPDF", "CWebP",
    "CZlib",
  ]

  private static let sources = Repository.root + "/Sources"

  @Test("Every module of the package is in the table")
  func everyModule() throws {
    let modules = try FileManager.default.contentsOfDirectory(atPath: Self.sources)
    #expect(Set(modules) == Set(Self.allowed.keys).union(Self.withoutSwift))
  }

  @Test("A module imports only what the design allows it", arguments: allowed.keys.sorted())
  func imports(_ module: String) throws {
    let mayImport = Self.allowed[module, default: []].union(Self.system)
    let root = Self.sources + "/" + module
    let names = try FileManager.default.subpathsOfDirectory(atPath: root)
      .filter { $0.hasSuffix(".swift") }
    #expect(!names.isEmpty)
    for name in names {
      let url = URL(fileURLWithPath: root + "/" + name)
      let text = String(decoding: try Data(contentsOf: url), as: UTF8.self)
      for line in text.split(separator: "\n") {
        guard let imported = Self.imported(line) else { continue }
        #expect(mayImport.contains(imported), "\(module)/\(name) imports \(imported)")
      }
    }
  }

  @Test("What only a mistake in the program reaches calls `bug`, which says where in every build")
  func endings() throws {
    let names = try FileManager.default.subpathsOfDirectory(atPath: Self.sources)
      .filter { $0.hasSuffix(".swift") }
    #expect(names.count > 100)
    let bare = /\b(precondition|preconditionFailure|fatalError|assert|assertionFailure)\(|\btry!/
    for name in names {
      let url = URL(fileURLWithPath: Self.sources + "/" + name)
      let text = String(decoding: try Data(contentsOf: url), as: UTF8.self)
      for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
        .enumerated()
      {
        #expect(!line.contains(bare), "\(name):\(number + 1)")
      }
    }
  }

  @Test("The reader of imports sees every form")
  func reader() {
    #expect(Self.imported("import Glibc") == "Glibc")
    #expect(Self.imported("  public import TensorEngine") == "TensorEngine")
    #expect(Self.imported("@preconcurrency internal import struct Foundation.Data") == "Foundation")
    #expect(Self.imported("let imported = 3") == nil)
    #expect(Self.imported("// import Glibc") == nil)
  }

  /// The module that a line of Swift imports.
  private static func imported(_ line: Substring) -> String? {
    let words = line.split(separator: " ")
    guard let keyword = words.firstIndex(of: "import"),
      words[..<keyword].allSatisfy({ $0.hasPrefix("@") || access.contains($0) })
    else { return nil }
    let name = words[(keyword + 1)...].first { !kinds.contains($0) }
    return name?.split(separator: ".").first.map(String.init)
  }

  private static let access: Set<Substring> = [
    "public", "package", "internal", "fileprivate", "private",
  ]
  private static let kinds: Set<Substring> = [
    "typealias", "struct", "class", "enum", "protocol", "let", "var", "func",
  ]
}
