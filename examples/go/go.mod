module codewren.example/judge

go 1.19
