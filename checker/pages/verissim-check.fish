# Completion of verissim-check's options for fish.
complete -c verissim-check -l model -r -F -d 'the network'
complete -c verissim-check -l image -r -F -d 'the reference, a PNG file'
complete -c verissim-check -l class -x -d 'the class that is claimed, from 0'
complete -c verissim-check -l ssim -x -d 'the threshold that is claimed'
complete -c verissim-check -l arithmetic -x -a 'exact float32' -d 'whose evaluations of the network are meant'
complete -c verissim-check -l dimension -x -d 'size of the input of the network: C,H,W'
complete -c verissim-check -l help -s h -d 'print the usage'
