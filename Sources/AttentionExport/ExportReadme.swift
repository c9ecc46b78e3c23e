internal import AttentionAnalysis
internal import AttentionTrace
internal import PromptText
internal import TensorEngine

/// `README.md` of an export: what it holds, how it was made, and a line for each reader.
struct ExportReadme {
  private let export: Export
  private let places: [ExportFormat: [String: String]]

  init(_ export: Export, _ places: [ExportFormat: [String: String]]) {
    self.export = export
    self.places = places
  }

  var text: String {
    [heading, arrays, opening, contract, tables, making].joined(separator: "\n\n") + "\n"
  }

  private var manifest: RunManifest { export.runs.runs[0].manifest }
  private var maps: [ExportedArray] { export.arrays.filter { $0.kind == .maps } }

  private var heading: String {
    let runs = export.runs.runs
    let seeds = runs.map { "\($0.manifest.method.figureTitle), seed \($0.manifest.seed)" }
    let missing = export.missingBlocks + export.passedOver.reduce(0, +)
    let pictures = export.runs.pictures.compactMap(\.self)
    var text = """
      # Attention maps

      \(kind) of a diffusion model, \(recorder)exported by Heed \
      \(export.version).

      - prompt: \(Self.code(manifest.tokens.prompt))
      - model: \(Self.code(manifest.model.name))
      - runs: \(seeds.joined(separator: "; ")), begun \(runs[0].manifest.date)
      """
    if let negative = export.tables.negative {
      text +=
        "\n- negative prompt: "
        + (negative.prompt.isEmpty ? "empty" : Self.code(negative.prompt))
    }
    if let recipe = export.recipe { text += "\n- recipe: \(Self.code(recipe.description))" }
    if let first = pictures.first {
      text +=
        "\n- pictures: " + (pictures.count == 1 ? "" : "\(pictures.count), from ")
        + Self.code(first)
    }
    for run in runs where run.manifest.status == .running {
      text += "\n- seed \(run.manifest.seed) was not complete: it had \(run.calls.count) calls"
    }
    if missing > 0 {
      text +=
        "\n- chunks of \(missing) calls were missing: "
        + (export.missingBlocks > 0 ? "their maps are NaN" : "the recipe skipped them")
    }
    return text
  }

  private var kind: String {
    export.runs.layers.allSatisfy { $0.site.kind == .cross } ? "Cross-attention" : "Attention"
  }

  /// What recorded the maps, up to what exported them.
  private var recorder: String {
    manifest.provenance.recorder.map { "recorded by \($0.name) \($0.version), " } ?? "recorded and "
  }

  private var arrays: String {
    let rows = maps.map { array in
      "| \(Self.code(array.name)) | \(array.axes.map { "\($0.name) \($0.labels.count)" }.joined(separator: ", ")) "
        + "| \(array.type.name) |"
    }
    let coordinates = export.arrays.filter { array in
      array.kind == .coordinate && places.values.contains { $0[array.name] != nil }
    }.map { Self.code($0.name) }
    let along =
      coordinates.isEmpty ? "" : "\n\nAlong their axes: \(coordinates.joined(separator: ", "))."
    return """
      ## Arrays

      | array | axes, in memory order | type |
      | --- | --- | --- |
      \(rows.joined(separator: "\n"))\(along)
      """
  }

  /// A line for each reader of each format.
  private var opening: String {
    let formats = ExportFormat.allCases.filter { places[$0] != nil }
    return "## How to open it\n\n" + formats.map { lines($0) }.joined(separator: "\n\n")
  }

  private func lines(_ format: ExportFormat) -> String {
    guard let array = maps.first, let place = places[format]?[array.name] else { return "" }
    let name = array.name
    switch format {
    case .npy:
      return """
        ```
        NumPy     np.load("\(place)", mmap_mode="r")
        PyTorch   torch.from_numpy(np.load("\(place)"))
        R         \(baseR(array, "\"\(place)\""))
        Julia     using NPZ; npzread("\(place)")
        ```
        """
    case .npz:
      return """
        ```
        NumPy     np.load("\(place)")["\(name)"]
        PyTorch   torch.from_numpy(np.load("\(place)")["\(name)"])
        R         \(baseR(array, "unz(\"\(place)\", \"\(name).npy\", \"rb\")"))
        Julia     using NPZ; npzread("\(place)")["\(name)"]
        ```
        """
    case .safetensors:
      return """
        ```
        NumPy     safetensors.numpy.load_file("\(place)")["\(name)"]
        PyTorch   safetensors.torch.load_file("\(place)")["\(name)"]
        R         safetensors::safe_load_file("\(place)", framework = "torch")[["\(name)"]]
        Julia     using SafeTensors; load_safetensors("\(place)")["\(name)"]
        ```
        """
    case .zarr, .zarr2:
      let store = place.dropLast(name.count + 1)
      let reader =
        format == .zarr2
        ? "Rarr::read_zarr_array(\"\(place)\")"
        : "reticulate::import(\"xarray\")$open_zarr(\"\(store)\")"
      return """
        ```
        xarray    xr.open_zarr("\(store)")["\(name)"]
        PyTorch   torch.from_numpy(xr.open_zarr("\(store)")["\(name)"].values)
        R         \(reader)
        Julia     using Zarr; zopen("\(store)")["\(name)"]
        ```
        """
    case .netcdf:
      return """
        ```
        xarray    xr.open_dataset("\(place)")["\(name)"]
        PyTorch   torch.from_numpy(xr.open_dataset("\(place)")["\(name)"].values)
        R         ncdf4::ncvar_get(ncdf4::nc_open("\(place)"), "\(name)")
        Julia     using NCDatasets; NCDataset("\(place)")["\(name)"]
        ```
        """
    case .csv:
      let joined = export.calls == nil ? "runs" : "calls"
      return """
        ```
        DuckDB    FROM '\(place)' NATURAL JOIN 'tables/\(joined).csv'
        pandas    pd.read_csv("\(place)")
        PyTorch   torch.tensor(pd.read_csv("\(place)").value.values)
        R         read.csv("\(place)")
        Julia     using CSV, DataFrames; CSV.read("\(place)", DataFrame)
        ```
        """
    }
  }

  /// R's way to an `.npy` without a package: its header is passed over, the axes are turned round,
  /// and halves, which R has not, are put together of their bits.
  private func baseR(_ array: ExportedArray, _ source: String) -> String {
    let count = array.shape.reduce(1, *)
    let size = array.type.bytes
    let skipped =
      NumpyFile.header(description: array.type.numpy, shape: array.shape).count / size
    let extents = array.shape.reversed().map(String.init).joined(separator: ", ")
    func read(_ type: String, _ more: String) -> String {
      "readBin(\(source), \"\(type)\", \(count + skipped), size = \(size)\(more))[-(1:\(skipped))]"
    }
    guard size == 2 else { return "aperm(array(\(read("numeric", "")), c(\(extents))))" }
    return "local({ h <- \(read("integer", ", signed = FALSE")); e <- bitwAnd(h, 31744L) / 1024; "
      + "m <- bitwAnd(h, 1023L) / 1024; aperm(array(ifelse(h < 32768, 1, -1) * ifelse(e == 0, "
      + "m / 2^14, ifelse(e == 31, NaN, (1 + m) * 2^(e - 15))), c(\(extents)))) })"
  }

  private var contract: String {
    let sums =
      export.recipe == nil
      ? """
      Values are probabilities, without a unit. \(export.runs.sums)\(export.runs.reductions)
      """
      : "Values are what the recipe makes of probabilities, without a unit."
    return """
      ## What the numbers mean

      \(sums) Arrays are in C order and little-endian; rows run downwards, columns to the right. A \
      call is one pass through the denoiser for one branch of guidance. Token positions, pieces and words \
      are in `tables/tokens.csv` and `manifest.json`.\(branches)

      A name means one thing in every table and array, so that they are joined by the names that they \
      share: `run` is the run's place in this export, `call` the number of a call in its run (in the run's \
      own files too), `position` the place along the arrays' axis of calls.
      """
  }

  /// What is said of maps of the unconditional branch; empty where there are none.
  private var branches: String {
    guard export.tables.negative != nil else { return "" }
    return
      " A call of the branch `unconditional` reads the negative prompt: its tokens are the rows of "
      + "that branch in `tables/tokens.csv`"
      + (export.tables.entries.count == 1
        ? "." : ", and `word_unconditional` and `piece_unconditional` beside the arrays.")
  }

  private var tables: String {
    """
    ## Tables

    `tables/runs.csv`, `calls.csv`, `scores.csv` and `tokens.csv` (RFC 4180, UTF-8); what their \
    columns are is in `tables/schema.json`. `scores.csv` has excitation scores, what the loss reads of a \
    subject: the largest value of its smoothed map after the prompt's tokens were renormalised. That is \
    another quantity than peak attention, the largest value of a map in the arrays.\(unmeasured)

    ```
    DuckDB    FROM 'tables/calls.csv' NATURAL JOIN 'tables/scores.csv'
    pandas    pd.read_csv("tables/calls.csv")
    R         read.csv("tables/calls.csv")
    Julia     using CSV, DataFrames; CSV.read("tables/calls.csv", DataFrame)
    ```
    """
  }

  /// What is said of runs without scores of their own; empty where a call was measured.
  private var unmeasured: String {
    export.runs.areMeasured
      ? ""
      : " Here it has no row, since no call was measured: `heed analyze` makes such scores of the maps of "
        + "a run."
  }

  private var making: String {
    """
    ## How it was made

    ```
    \(export.command)
    ```

    `manifest.json` says all of it for programs, by `manifest.schema.json`, with the SHA-256 of each \
    file. `heed verify-export .` or `sha256sum --check SHA256SUMS` tells whether anything changed.
    """
  }

  /// A text as Markdown's code, whatever is in it.
  private static func code(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    var fence = "`"
    while line.contains(fence) { fence += "`" }
    let needsSpace = line.hasPrefix("`") || line.hasSuffix("`")
    return needsSpace ? "\(fence) \(line) \(fence)" : fence + line + fence
  }
}
