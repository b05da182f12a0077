module link_check

go 1.19
