internal import AttentionAnalysis

extension ExportManifest {
  /// `manifest.schema.json`: the JSON Schema (2020-12) of a manifest.
  static let schema = #"""
    {
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "title": "An export of Heed: attention maps of a diffusion model",
      "$defs": {
        "names": {"type": "array", "items": {"type": "string"}},
        "indices": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "path": {
          "type": "string",
          "pattern": "^(?!\\.{1,2}(/|$))[^/]+(/(?!\\.{1,2}(/|$))[^/]+)*$",
          "description": "Relative to this folder, and inside it."
        },
        "branch": {"enum": ["unconditional", "conditional"]},
        "phase": {"enum": ["loss", "refinement", "denoise"]}
      },
      "type": "object",
      "additionalProperties": false,
      "required": [
        "format",
        "format_version",
        "heed_version",
        "order",
        "byte_order",
        "command",
        "prompt",
        "tokens",
        "subjects",
        "selection",
        "runs",
        "arrays",
        "missing_blocks",
        "files"
      ],
      "properties": {
        "format": {"const": "heed-export"},
        "format_version": {"const": 2},
        "heed_version": {"type": "string"},
        "order": {"const": "C", "description": "The last axis varies fastest."},
        "byte_order": {
          "const": "little",
          "description": "Of all arrays but those of NetCDF, whose readers turn them."
        },
        "command": {"type": "string", "description": "How it was made, without the paths."},
        "prompt": {"type": "string"},
        "negative_prompt": {
          "type": "string",
          "description": "What the unconditional branch reads; only where its maps are exported."
        },
        "negative_tokens": {
          "$ref": "#/properties/tokens",
          "description": "The negative prompt as the model reads it, padding included."
        },
        "tokens": {
          "type": "array",
          "description": "The prompt as the model reads it, padding included.",
          "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["token", "id", "piece"],
            "properties": {
              "token": {"type": "integer", "minimum": 0},
              "id": {"type": "integer"},
              "piece": {"type": "string"},
              "word": {"type": "string"},
              "special": {"enum": ["start", "end", "padding", "template"]}
            }
          }
        },
        "subjects": {
          "type": "array",
          "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["name", "tokens"],
            "properties": {"name": {"type": "string"}, "tokens": {"$ref": "#/$defs/indices"}}
          }
        },
        "plan": {
          "type": "object",
          "description": "The recording plan; absent indices mean all.",
          "additionalProperties": false,
          "required": ["layers", "branches", "phases", "precision"],
          "properties": {
            "layers": {"$ref": "#/$defs/names"},
            "heads": {"$ref": "#/$defs/indices"},
            "tokens": {"$ref": "#/$defs/indices"},
            "branches": {"type": "array", "items": {"$ref": "#/$defs/branch"}},
            "phases": {"type": "array", "items": {"$ref": "#/$defs/phase"}},
            "steps": {"$ref": "#/$defs/indices", "description": "First and last."},
            "precision": {"enum": ["float16", "float32"]},
            "queries": {"$ref": "#/$defs/names"},
            "reducedHeads": {"enum": ["mean"], "description": "What stands for the heads."},
            "summedColumns": {
              "$ref": "#/$defs/names",
              "description": "Columns behind the tokens that are sums over keys."
            },
            "cells": {
              "type": "integer",
              "minimum": 1,
              "description": "The most rows and columns; larger maps were averaged by area."
            }
          }
        },
        "selection": {
          "type": "object",
          "description": "The exported part; absent members mean all.",
          "additionalProperties": false,
          "properties": {
            "layers": {"$ref": "#/$defs/names"},
            "heads": {"$ref": "#/$defs/indices"},
            "tokens": {"$ref": "#/$defs/indices"},
            "steps": {"$ref": "#/$defs/indices", "description": "First and last."},
            "branches": {"type": "array", "items": {"$ref": "#/$defs/branch"}},
            "phases": {"type": "array", "items": {"$ref": "#/$defs/phase"}}
          }
        },
        "recipe": {
          "type": "string",
          "description": "How maps were aggregated; absent for maps as recorded."
        },
        "runs": {
          "type": "array",
          "minItems": 1,
          "items": {
            "type": "object",
            "additionalProperties": false,
            "required": [
              "run",
              "seed",
              "method",
              "settings",
              "prompt",
              "negative_prompt",
              "guidance_scale",
              "scheduler",
              "steps",
              "height",
              "width",
              "model",
              "status",
              "date",
              "heed_version",
              "calls",
              "calls_passed_over"
            ],
            "properties": {
              "run": {"type": "integer", "minimum": 0},
              "seed": {"type": "integer", "minimum": 0},
              "rng": {"type": "string"},
              "method": {"type": "string"},
              "settings": {"type": "object", "additionalProperties": {"type": "string"}},
              "prompt": {"type": "string"},
              "negative_prompt": {"type": "string"},
              "guidance_scale": {"type": "number"},
              "scheduler": {"type": "object", "additionalProperties": {"type": "string"}},
              "steps": {"type": "integer", "minimum": 0},
              "height": {"type": "integer", "minimum": 1, "description": "pixels"},
              "width": {"type": "integer", "minimum": 1, "description": "pixels"},
              "model": {
                "type": "object",
                "additionalProperties": false,
                "required": ["name", "files"],
                "properties": {
                  "name": {"type": "string"},
                  "repository": {"type": "string"},
                  "revision": {"type": "string"},
                  "files": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "description": "SHA-256 by file."
                  }
                }
              },
              "status": {"enum": ["running", "complete"]},
              "date": {"type": "string", "description": "When the run began, ISO 8601."},
              "heed_version": {"type": "string"},
              "calls": {"type": "integer", "minimum": 0, "description": "Acknowledged calls."},
              "calls_passed_over": {
                "type": "integer",
                "minimum": 0,
                "description": "Calls that the recipe skipped because a chunk is missing."
              },
              "picture": {"$ref": "#/$defs/path", "description": "What the run drew."}
            }
          }
        },
        "arrays": {
          "type": "array",
          "minItems": 1,
          "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["name", "kind", "description", "axes", "dtype", "units", "missing_blocks", "files"],
            "properties": {
              "name": {"type": "string"},
              "kind": {"enum": ["maps", "coordinate"]},
              "description": {"type": "string"},
              "layer": {"type": "string"},
              "attention": {"enum": ["cross", "self", "joint"]},
              "axes": {
                "type": "array",
                "description": "Outermost first.",
                "items": {
                  "type": "object",
                  "additionalProperties": false,
                  "required": ["name", "size"],
                  "properties": {
                    "name": {"type": "string"},
                    "size": {"type": "integer", "minimum": 1},
                    "labels": {
                      "type": "array",
                      "items": {"type": "integer"},
                      "description": "The label of each position, if it is not the position itself; below 0: the mean over heads, or sums over keys."
                    },
                    "sums": {
                      "$ref": "#/$defs/names",
                      "description": "What the labels -1, -2, … of tokens are sums over."
                    }
                  }
                }
              },
              "dtype": {"enum": ["int32", "uint64", "float16", "float32", "float64", "string"]},
              "units": {"type": "string", "description": "1 for quantities without a unit."},
              "missing_blocks": {
                "type": "integer",
                "minimum": 0,
                "description": "Blocks that are NaN because a chunk is missing."
              },
              "files": {
                "type": "object",
                "description": "Its files, by format.",
                "propertyNames": {"enum": ["npy", "npz", "safetensors", "zarr", "zarr2", "netcdf", "csv"]},
                "additionalProperties": {"$ref": "#/$defs/path"}
              }
            }
          }
        },
        "missing_blocks": {"type": "integer", "minimum": 0},
        "files": {
          "type": "array",
          "description": "Every file except this one and SHA256SUMS.",
          "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["path", "bytes", "sha256", "media_type"],
            "properties": {
              "path": {"$ref": "#/$defs/path"},
              "bytes": {"type": "integer", "minimum": 0},
              "sha256": {"$ref": "#/$defs/digest"},
              "media_type": {"type": "string"}
            }
          }
        }
      }
    }

    """#
}
