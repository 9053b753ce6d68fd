"""In a notebook: `%torchreel` shows a clip, `%%torchreel` those of the calls that its cell makes."""
